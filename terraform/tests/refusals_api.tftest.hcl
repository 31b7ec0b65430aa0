# What modules/api refuses, at plan.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                   = "transcription-eu-north-1"
  deployment             = "transcription"
  zip_path               = "./main.tf"
  table_name             = "transcription-jobs"
  table_arn              = "arn:aws:dynamodb:eu-north-1:123456789012:table/transcription-jobs"
  bucket_name            = "transcription-123456789012-eu-north-1"
  bucket_arn             = "arn:aws:s3:::transcription-123456789012-eu-north-1"
  key_arn                = "arn:aws:kms:eu-north-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  models                 = ["KBLab/kb-whisper-small"]
  retention_days         = 30
  longest_retention_days = 365
}

run "function_name_with_a_space" {
  command = plan

  module {
    source = "./modules/api"
  }

  variables {
    function_name = "the api"
  }

  expect_failures = [var.function_name]
}

run "no_requests" {
  command = plan

  module {
    source = "./modules/api"
  }

  variables {
    requests_per_second = 0
  }

  expect_failures = [var.requests_per_second]
}

run "uploads_that_no_machine_has_room_for" {
  command = plan

  module {
    source = "./modules/api"
  }

  variables {
    max_upload_gb = 5001
  }

  expect_failures = [var.max_upload_gb]
}

run "less_than_a_form_takes" {
  command = plan

  module {
    source = "./modules/api"
  }

  variables {
    max_upload_gb = 4
  }

  expect_failures = [var.max_upload_gb]
}

run "domain_with_a_scheme" {
  command = plan

  module {
    source = "./modules/api"
  }

  variables {
    domain_name     = "https://transcribe.example.com"
    certificate_arn = "arn:aws:acm:eu-north-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
  }

  expect_failures = [var.domain_name]
}

run "certificate_without_domain" {
  command = plan

  module {
    source = "./modules/api"
  }

  variables {
    certificate_arn = "arn:aws:acm:eu-north-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
  }

  expect_failures = [var.certificate_arn]
}

run "launch_at_registration_without_the_queue" {
  command = plan

  module {
    source = "./modules/api"
  }

  variables {
    launch_at_registration = true
  }

  expect_failures = [var.launch_at_registration]
}
