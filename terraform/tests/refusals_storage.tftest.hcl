# What modules/storage refuses, at plan.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name = "transcription-123456789012-eu-north-1"
}

run "bucket_name_in_capitals" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    name = "Recordings"
  }

  expect_failures = [var.name]
}

run "bucket_name_that_begins_as_s3s_own" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    name = "xn--news-123456789012-eu-north-1"
  }

  expect_failures = [var.name]
}

run "bucket_name_that_ends_as_an_alias" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    name = "recordings-s3alias"
  }

  expect_failures = [var.name]
}

run "retention_shorter_than_webhooks" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    retention_days = 3
  }

  expect_failures = [var.retention_days]
}

run "negative_retention" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    retention_days = -1
  }

  expect_failures = [var.retention_days]
}

run "any_origin" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    cors_origins = ["*"]
  }

  expect_failures = [var.cors_origins]
}

run "origin_with_a_path" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    cors_origins = ["https://example.com/app"]
  }

  expect_failures = [var.cors_origins]
}
