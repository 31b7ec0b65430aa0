# The machine's image. It is built on a machine with the GPU that it is for, and made only if the self-test passes there.
locals {
  time = formatdate("YYYYMMDD-hhmmss", timestamp())
  room = "/opt/transcribe/artifact"

  spot       = var.on_demand_type == ""
  build_tags = merge(var.tags, { Name = "${var.deployment}-image-build" })
}

source "amazon-ebs" "worker" {
  region              = var.region
  subnet_id           = var.subnet_id
  spot_price          = local.spot ? "auto" : ""
  spot_instance_types = local.spot ? var.build_types : null
  instance_type       = local.spot ? null : var.on_demand_type
  ssh_username        = "ubuntu"
  ami_name            = "${var.deployment}-worker-${local.time}"
  ami_description     = "Transcription worker of ${var.deployment}"

  source_ami_filter {
    # Canonical's account: another account could have an image of the same name.
    owners      = ["099720109477"]
    most_recent = true
    filters = {
      name                = "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*"
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
  }

  launch_block_device_mappings {
    device_name           = "/dev/sda1"
    volume_type           = "gp3"
    volume_size           = var.volume_gib
    iops                  = 3000
    throughput            = 125
    delete_on_termination = true
    # The volume is encrypted from the start, so the image is too; encrypt_boot would make a second, encrypted copy.
    encrypted  = true
    kms_key_id = var.kms_key_id
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  # An account may refuse whatever is launched without its tags.
  run_tags        = local.build_tags
  run_volume_tags = local.build_tags
  spot_tags       = local.spot ? local.build_tags : null
  snapshot_tags   = merge(var.tags, { transcribe-image = var.deployment })

  tags = merge(var.tags, {
    Name                        = "${var.deployment}-worker-${local.time}"
    transcribe-image            = var.deployment
    transcribe-commit           = var.commit
    transcribe-models           = var.models
    transcribe-lifetime-minutes = "${var.lifetime_minutes}"
    transcribe-session-manager  = var.session_manager
    transcribe-artifact         = var.artifact_sha256
    transcribe-base             = "{{ .SourceAMI }}"
    transcribe-base-name        = "{{ .SourceAMIName }}"
    transcribe-self-test-passed      = "true"
  })
}

build {
  sources = ["source.amazon-ebs.worker"]

  provisioner "shell" {
    inline = ["cloud-init status --wait", "sudo install -d -o ubuntu ${local.room}"]
  }

  provisioner "file" {
    source      = var.artifact
    destination = "${local.room}/worker.tar.gz"
  }

  provisioner "file" {
    source      = "${path.root}/models.lock.json"
    destination = "${local.room}/models.lock.json"
  }

  provisioner "shell" {
    inline            = ["cd ${local.room} && tar -xzf worker.tar.gz && sudo --preserve-env ./provision image && sudo reboot"]
    environment_vars  = local.choices
    expect_disconnect = true
  }

  provisioner "shell" {
    pause_before     = "15s"
    # The restart runs cloud-init again, and its units now power off a machine on which they fail.
    inline           = ["cloud-init status --wait", "sudo --preserve-env ${local.room}/provision seal"]
    environment_vars = local.choices
  }

  provisioner "file" {
    direction   = "download"
    source      = "${local.room}/models.lock.json"
    destination = "${path.root}/models.lock.json"
  }

  provisioner "file" {
    direction   = "download"
    source      = "/etc/transcriber/image"
    destination = "dist/image-sbom.json"
  }

  provisioner "shell" {
    # Remove what the build has left: its key, which cloud-init gave to root too, and files of its user and of sudo.
    inline = [
      "sudo rm -f /etc/ssh/ssh_host_*",
      "sudo rm -rf ${local.room} /root/.ssh /root/.cache /home/ubuntu/.ssh /home/ubuntu/.cache",
      "sudo rm -f /root/.bash_history /home/ubuntu/.bash_history /home/ubuntu/.sudo_as_admin_successful",
      "sudo rm -rf /var/lib/apt/lists/* /var/lib/sudo/lectured/* /tmp/* /var/tmp/* && sync",
    ]
  }

  post-processor "manifest" {
    output = "dist/image.json"
  }
}

locals {
  choices = [
    "MODELS=${var.models}",
    "LIFETIME_MINUTES=${var.lifetime_minutes}",
    "PYTHON_SOURCE=${var.python_source}",
    "SESSION_MANAGER=${var.session_manager}",
    "CLOUD_INIT=${var.cloud_init}",
    "COMPUTE_TYPE=${var.compute_type}",
  ]
}
