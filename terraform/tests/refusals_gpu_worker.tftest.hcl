# What modules/gpu_worker refuses, at plan.
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
  public_url        = ""
  models            = ["KBLab/kb-whisper-small"]
  retention_days    = 30
}

run "machine_without_gpu" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    instance_types = ["m5.large"]
  }

  expect_failures = [var.instance_types]
}

run "machine_whose_gpu_the_open_driver_does_not_know" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    instance_types = ["p3.2xlarge"]
  }

  expect_failures = [var.instance_types]
}

run "machine_with_an_arm_processor" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    instance_types = ["g5g.xlarge"]
  }

  expect_failures = [var.instance_types]
}

run "type_named_twice" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    instance_types = ["g4dn.xlarge", "g4dn.xlarge"]
  }

  expect_failures = [var.instance_types]
}

run "type_that_no_zone_offers" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    instance_types = ["p5.48xlarge"]
  }

  expect_failures = [aws_launch_template.this]
}

run "zone_that_offers_nothing" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    zones = ["eu-north-1c"]
  }

  expect_failures = [aws_launch_template.this]
}

run "missing_artifact" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    artifact_path = "./no-such-file.tar.gz"
  }

  expect_failures = [aws_s3_object.artifact]
}

run "missing_lock_of_models" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    models_lock_path = "./no-such-file.json"
  }

  expect_failures = [aws_s3_object.models_lock]
}

run "artifact_where_machines_may_not_read" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    artifact_key = "worker.tar.gz"
  }

  expect_failures = [var.artifact_key]
}

run "user_data_too_long" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    user_data = join("", [for i in range(1000) : "012345678901234"])
  }

  expect_failures = [var.user_data]
}

run "root_volume_too_small" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    root_volume_gib = 4
  }

  expect_failures = [var.root_volume_gib]
}

run "initialization_too_slow" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    volume_initialization_mibps = 50
  }

  expect_failures = [var.volume_initialization_mibps]
}

run "image_parameter_without_a_slash" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    image_parameter = "image"
  }

  expect_failures = [var.image_parameter]
}

run "image_parameter_among_awss_own" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    image_parameter = "/AWS/service/image"
  }

  expect_failures = [var.image_parameter]
}

run "image_id_in_place_of_its_parameter" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    image_parameter = "ami-0123456789abcdef0"
  }

  expect_failures = [var.image_parameter]
}

run "lifetime_too_short" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    max_lifetime_minutes = 5
  }

  expect_failures = [var.max_lifetime_minutes]
}

run "no_audio_at_all" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    max_audio_hours = 0
  }

  expect_failures = [var.max_audio_hours]
}

run "numbers_that_a_t4_does_not_know" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    compute_type = "bfloat16"
  }

  expect_failures = [var.compute_type]
}

run "alias_in_place_of_a_disk_key" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    ebs_key_arn = "arn:aws:kms:eu-north-1:123456789012:alias/disks"
  }

  expect_failures = [var.ebs_key_arn]
}

run "disk_key_in_an_account_that_never_had_a_spot_machine" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    ebs_key_arn = "arn:aws:kms:eu-north-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  override_data {
    target = data.aws_iam_roles.spot[0]
    values = { arns = [] }
  }

  expect_failures = [aws_kms_grant.spot[0]]
}

run "idle_for_a_moment" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    idle_seconds = 5
  }

  expect_failures = [var.idle_seconds]
}

run "idle_for_a_day" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    idle_seconds = 86400
  }

  expect_failures = [var.idle_seconds]
}

run "idle_for_half_a_second_more" {
  command = plan

  module {
    source = "./modules/gpu_worker"
  }

  variables {
    idle_seconds = 45.5
  }

  expect_failures = [var.idle_seconds]
}
