# What a machine is, and what it may do.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name              = "transcription-eu-north-1"
  deployment        = "transcription"
  zones             = ["eu-north-1a", "eu-north-1b"]
  security_group_id = "sg-0123456789abcdef0"
  artifact_path     = "./main.tf"
  models_lock_path  = "./main.tf"
  table_name        = "transcription-jobs"
  table_arn         = "arn:aws:dynamodb:eu-north-1:123456789012:table/transcription-jobs"
  bucket_name       = "transcription-123456789012-eu-north-1"
  bucket_arn        = "arn:aws:s3:::transcription-123456789012-eu-north-1"
  key_arn           = "arn:aws:kms:eu-north-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  public_url        = "https://transcribe.example.com"
  models            = ["KBLab/kb-whisper-small", "KBLab/kb-whisper-small@subtitle"]
  retention_days    = 30
}

run "machine" {
  command = apply

  module {
    source = "./modules/gpu_worker"
  }

  assert {
    condition = (
      aws_launch_template.this["spot"].metadata_options[0].http_tokens == "required" &&
      aws_launch_template.this["spot"].metadata_options[0].http_put_response_hop_limit == 1 &&
      aws_launch_template.this["spot"].metadata_options[0].instance_metadata_tags == "enabled"
    )
    error_message = "The metadata service is open wider than the worker needs."
  }

  assert {
    condition     = aws_launch_template.this["spot"].instance_initiated_shutdown_behavior == "terminate"
    error_message = "A machine that powers itself off would be kept, and paid for."
  }

  assert {
    condition     = one(aws_launch_template.this["spot"].block_device_mappings[0].ebs).volume_type == "gp3" && one(aws_launch_template.this["spot"].block_device_mappings[0].ebs).delete_on_termination == "true"
    error_message = "A machine would leave its disk behind."
  }

  assert {
    condition     = one(aws_launch_template.this["spot"].block_device_mappings[0].ebs).encrypted == "true" && length(aws_kms_grant.spot) == 0
    error_message = "Disks are not encrypted, or a key is granted that nobody named."
  }

  assert {
    condition = alltrue([
      for specification in flatten([for template in aws_launch_template.this : template.tag_specifications]) :
      specification.tags["transcribe-deployment"] == "transcription" && specification.tags["transcribe-config"] == "/transcription/worker"
    ])
    error_message = "Machines would not be recognised as ours."
  }

  assert {
    condition = alltrue([
      for key in flatten([for specification in aws_launch_template.this["spot"].tag_specifications : keys(specification.tags)]) : can(regex("^[A-Za-z0-9_.-]+$", key))
    ])
    error_message = "A tag's key could not be read from the metadata."
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.this["spot"].user_data), "s3://transcription-123456789012-eu-north-1/artifacts/worker.tar.gz")
    error_message = "A machine without an image of its own would not find the worker."
  }

  assert {
    condition     = aws_s3_object.models_lock.key == "artifacts/models.lock.json"
    error_message = "A machine would look for the lock of models elsewhere than in ${aws_s3_object.models_lock.key}."
  }

  assert {
    condition     = jsondecode(aws_ssm_parameter.config.value).MODELS == "KBLab/kb-whisper-small,KBLab/kb-whisper-small@subtitle"
    error_message = "The settings name other models than asked for."
  }

  assert {
    condition = alltrue(flatten([
      for statement in data.aws_iam_policy_document.this.statement : [
        for action in statement.actions :
        !startswith(action, "ec2:") && !endswith(action, "*") && !contains(["dynamodb:Scan", "kms:Encrypt", "s3:DeleteObject"], action)
      ]
    ]))
    error_message = "A machine may do what its code must never do."
  }

  assert {
    condition = alltrue(flatten([
      for statement in data.aws_iam_policy_document.this.statement : [
        for resource in statement.resources : !strcontains(resource, "/uploads/") && !strcontains(resource, "/artifacts/") && !strcontains(resource, "/models/")
      ] if contains(statement.actions, "s3:PutObject")
    ]))
    error_message = "A machine could replace sources, models or the code of the next machine."
  }

  assert {
    condition = alltrue(flatten([
      for statement in data.aws_iam_policy_document.this.statement : [
        for condition in statement.condition : condition.test == "StringLikeIfExists" && condition.values == tolist(["work/*"])
      ] if contains(statement.actions, "s3:ListBucket")
    ]))
    error_message = "S3 would answer 403 instead of 404 for a recording that was deleted, or a machine could list uploads."
  }
}

run "tags_and_roles_as_an_account_demands_them" {
  command = apply

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    tags                     = { cost-center = "4711", owner = "Radio Östersund / desk" }
    role_path                = "/applications/"
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
  }

  assert {
    condition = alltrue([
      for specification in flatten([for template in aws_launch_template.this : template.tag_specifications]) :
      specification.tags["cost-center"] == "4711" && specification.tags["owner"] == "Radio Östersund / desk" && specification.tags["transcribe-deployment"] == "transcription"
    ])
    error_message = "What is launched would be paid by nobody's cost centre, or would not be recognised as ours."
  }

  assert {
    condition = {
      for market, template in aws_launch_template.this : market => toset(template.tag_specifications[*].resource_type)
      } == {
      on-demand = toset(["instance", "volume"])
      spot      = toset(["instance", "volume", "spot-instances-request"])
    }
    error_message = "Spot requests are not tagged, or EC2 refuses every on-demand launch because they are."
  }

  assert {
    condition = (
      aws_iam_role.this.path == "/applications/" && aws_iam_instance_profile.this.path == "/applications/" &&
      aws_iam_role.this.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"
    )
    error_message = "The account would refuse the machines' role."
  }
}

run "own_boot_script" {
  command = apply

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    user_data = "#!/bin/sh\nexit 0\n"
  }

  assert {
    condition     = base64decode(aws_launch_template.this["spot"].user_data) == "#!/bin/sh\nexit 0\n"
    error_message = "The boot script is not the one that was given."
  }
}

run "no_shell_unless_an_operator_wants_one" {
  command = apply

  module {
    source = "./modules/gpu_worker"
  }

  assert {
    condition     = length(aws_iam_role_policy.session_manager) == 0
    error_message = "The agent of Session Manager may speak, and nobody asked for that."
  }
}

run "a_shell_through_session_manager" {
  command = apply

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    session_manager = true
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.this["spot"].user_data), "SESSION_MANAGER=yes")
    error_message = "Provisioning takes the agent away."
  }

  assert {
    condition     = length(aws_iam_role_policy.session_manager) == 1
    error_message = "The agent may not speak."
  }

  assert {
    condition = alltrue(flatten([
      for statement in data.aws_iam_policy_document.session_manager.statement : [
        for action in statement.actions : action == "ssm:UpdateInstanceInformation" || can(regex("^ssmmessages:(Create|Open)(Control|Data)Channel$", action))
      ]
    ]))
    error_message = "The agent may do more than offer a shell, such as read the account's parameters."
  }
}

run "disks_under_a_key_of_ones_own" {
  command = apply

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    ebs_key_arn = "arn:aws:kms:eu-north-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  assert {
    condition     = one(aws_launch_template.this["spot"].block_device_mappings[0].ebs).kms_key_id == var.ebs_key_arn && one(aws_launch_template.this["spot"].block_device_mappings[0].ebs).encrypted == "true"
    error_message = "Disks are under another key than the one that was named."
  }

  assert {
    condition     = aws_kms_grant.spot[0].key_id == var.ebs_key_arn && endswith(aws_kms_grant.spot[0].grantee_principal, "/AWSServiceRoleForEC2Spot")
    error_message = "Spot machines may not use the disks' key."
  }
}

run "machines_that_wait_longer_for_work" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    idle_seconds = 600
  }

  assert {
    condition     = jsondecode(aws_ssm_parameter.config.value).IDLE_SECONDS == "600"
    error_message = "Machines would not wait for ten minutes."
  }
}
