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

run "things_kept_for_longer_than_ten_years" {
  command = plan

  variables {
    longest_retention_days = 4000
  }

  expect_failures = [var.longest_retention_days]
}

run "things_kept_for_half_a_day_longer" {
  command = plan

  variables {
    longest_retention_days = 90.5
  }

  expect_failures = [var.longest_retention_days]
}

run "disk_key_of_another_region" {
  command = plan

  variables {
    ebs_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  expect_failures = [var.ebs_key_arn]
}

run "tag_key_with_a_space" {
  command = plan

  variables {
    tags = { "cost center" = "4711" }
  }

  expect_failures = [var.tags]
}

run "tag_key_that_metadata_reserves" {
  command = plan

  variables {
    tags = { _index = "4711" }
  }

  expect_failures = [var.tags]
}

run "tag_key_with_a_letter_that_metadata_does_not_take" {
  command = plan

  variables {
    tags = { "kostnadsställe" = "4711" }
  }

  expect_failures = [var.tags]
}

run "tag_key_too_long" {
  command = plan

  variables {
    tags = { (join("", [for _ in range(129) : "k"])) = "4711" }
  }

  expect_failures = [var.tags]
}

run "tag_value_with_an_ampersand" {
  command = plan

  variables {
    tags = { owner = "news & sports" }
  }

  expect_failures = [var.tags]
}

run "tag_value_too_long" {
  command = plan

  variables {
    tags = { owner = join("", [for _ in range(257) : "v"]) }
  }

  expect_failures = [var.tags]
}

run "tag_of_aws" {
  command = plan

  variables {
    tags = { "aws:owner" = "4711" }
  }

  expect_failures = [var.tags]
}

run "tag_by_which_machines_are_recognised" {
  command = plan

  variables {
    tags = { Transcribe-Deployment = "other" }
  }

  expect_failures = [var.tags]
}

run "tag_that_is_set_already" {
  command = plan

  variables {
    tags = { Deployment = "other" }
  }

  expect_failures = [var.tags]
}

run "tags_that_differ_in_case_only" {
  command = plan

  variables {
    tags = { owner = "one", Owner = "two" }
  }

  expect_failures = [var.tags]
}

run "tags_too_many" {
  command = plan

  variables {
    tags = { for number in range(41) : "tag-${number}" => "one" }
  }

  expect_failures = [var.tags]
}

run "role_path_without_slashes" {
  command = plan

  variables {
    role_path = "applications"
  }

  expect_failures = [var.role_path]
}

run "role_path_with_a_space" {
  command = plan

  variables {
    role_path = "/our applications/"
  }

  expect_failures = [var.role_path]
}

run "boundary_that_is_a_role" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::123456789012:role/boundary"
  }

  expect_failures = [var.permissions_boundary_arn]
}

# What is allowed at the edge of each rule.
run "forty_tags_a_long_path_and_a_boundary_of_aws" {
  command = plan

  variables {
    tags                     = merge({ for number in range(39) : "tag-${number}" => "Radio Östersund / desk: a+b=c@d" }, { (join("", [for _ in range(128) : "k"])) = join("", [for _ in range(256) : "v"]) })
    role_path                = "/applications/transcription/"
    permissions_boundary_arn = "arn:aws:iam::aws:policy/PowerUserAccess"
  }
}

run "launch_at_registration_without_the_api" {
  command = plan

  variables {
    api_enabled            = false
    launch_at_registration = true
  }

  expect_failures = [var.launch_at_registration]
}
