# A template says what a machine is. The orchestrator launches machines from it, and chooses zone, type and image at each
# launch.
data "aws_region" "current" {}

data "aws_ec2_instance_type_offerings" "zones" {
  location_type = "availability-zone"

  filter {
    name   = "instance-type"
    values = var.instance_types
  }
}

locals {
  offered = toset([
    for index, type in data.aws_ec2_instance_type_offerings.zones.instance_types :
    type if contains(var.instance_types, type) && contains(var.zones, data.aws_ec2_instance_type_offerings.zones.locations[index])
  ])

  user_data = var.user_data != "" ? var.user_data : templatefile("${path.module}/user-data.sh.tftpl", {
    bucket    = var.bucket_name
    artifact  = var.artifact_key
    region    = data.aws_region.current.id
    log_group = aws_cloudwatch_log_group.worker.name
    # The worker ends by itself at its limit. If it does not, the machine is powered off a quarter of an hour later.
    lifetime_minutes = var.max_lifetime_minutes + 15
    session_manager  = var.session_manager ? "yes" : "no"
  })
}

# Each market has a template of its own, and they differ in one thing: a spot request is tagged too. EC2 takes no tags of
# spot requests from CreateFleet itself, only from the template, and refuses an on-demand launch whose template has them
# (terraform-aws-github-runner #4561, karpenter #5850).
resource "aws_launch_template" "this" {
  for_each = {
    on-demand = { name = "${var.name}-worker", tagged = ["instance", "volume"] }
    spot      = { name = "${var.name}-worker-spot", tagged = ["instance", "volume", "spot-instances-request"] }
  }

  name                                 = each.value.name
  description                          = "Transcription machine of ${var.deployment}"
  update_default_version               = true
  instance_initiated_shutdown_behavior = "terminate"
  user_data                            = base64encode(local.user_data)

  iam_instance_profile {
    arn = aws_iam_instance_profile.this.arn
  }

  # Whether a machine gets a public address is decided by its subnet.
  vpc_security_group_ids = [var.security_group_id]

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "enabled"
  }

  block_device_mappings {
    device_name = var.root_device_name

    ebs {
      volume_type           = "gp3"
      volume_size           = var.root_volume_gib > 0 ? var.root_volume_gib : null
      encrypted             = true
      kms_key_id            = var.ebs_key_arn != "" ? var.ebs_key_arn : null
      delete_on_termination = true
      # EBS loads the image's blocks at this rate, and not only when they are first read. AWS bills it for each launch.
      volume_initialization_rate = var.volume_initialization_mibps > 0 ? var.volume_initialization_mibps : null
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(each.value.tagged)

    content {
      resource_type = tag_specifications.value
      tags = merge(var.tags, {
        Name                  = "${var.deployment}-worker"
        transcribe-deployment = var.deployment
        transcribe-config     = aws_ssm_parameter.config.name
      })
    }
  }

  # Without the grant, a machine with an encrypted disk could not start.
  depends_on = [aws_kms_grant.spot]

  lifecycle {
    precondition {
      condition     = length(local.offered) > 0
      error_message = "instance_types: none of ${join(", ", var.instance_types)} is offered in ${join(", ", var.zones)}. `aws ec2 describe-instance-type-offerings --location-type availability-zone` lists what is."
    }
  }
}
