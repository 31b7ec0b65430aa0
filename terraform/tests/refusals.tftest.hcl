# What the root itself refuses, at plan.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  api_zip          = "./main.tf"
  orchestrator_zip = "./main.tf"
  worker_artifact  = "./main.tf"
  alarm_email      = "operations@example.com"
  models           = ["whisper-base"]
}

run "zone_as_region" {
  command = plan

  variables {
    region = "eu-north-1a"
  }

  expect_failures = [var.region]
}

run "deployment_in_capitals" {
  command = plan

  variables {
    deployment = "Transcription"
  }

  expect_failures = [var.deployment]
}

run "deployment_whose_parameters_ssm_refuses" {
  command = plan

  variables {
    deployment = "awsome"
  }

  expect_failures = [var.deployment]
}

run "deployment_named_after_ssm" {
  command = plan

  variables {
    deployment = "ssm-transcribe"
  }

  expect_failures = [var.deployment]
}

run "deployment_whose_security_group_ec2_refuses" {
  command = plan

  variables {
    deployment = "sg-transcribe"
  }

  expect_failures = [var.deployment]
}

run "bucket_name_with_a_dot" {
  command = plan

  variables {
    bucket_name = "recordings.example.com"
  }

  expect_failures = [var.bucket_name]
}

run "no_model" {
  command = plan

  variables {
    models = []
  }

  expect_failures = [var.models]
}

run "unknown_style" {
  command = plan

  variables {
    models = ["KBLab/kb-whisper-small@poetic"]
  }

  expect_failures = [var.models]
}

run "domain_without_certificate" {
  command = plan

  variables {
    domain_name = "transcribe.example.com"
  }

  expect_failures = [var.certificate_arn]
}

run "domain_without_api" {
  command = plan

  variables {
    api_enabled     = false
    domain_name     = "transcribe.example.com"
    certificate_arn = "arn:aws:acm:eu-north-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
  }

  expect_failures = [var.domain_name]
}

run "log_level_in_lower_case" {
  command = plan

  variables {
    log_level = "info"
  }

  expect_failures = [var.log_level]
}

run "log_retention_that_cloudwatch_lacks" {
  command = plan

  variables {
    log_retention_days = 45
  }

  expect_failures = [var.log_retention_days]
}

run "disk_key_of_another_region" {
  command = plan

  variables {
    ebs_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  expect_failures = [var.ebs_key_arn]
}

run "launch_at_registration_without_the_api" {
  command = plan

  variables {
    api_enabled            = false
    launch_at_registration = true
  }

  expect_failures = [var.launch_at_registration]
}
