# What modules/storage refuses, at plan.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                   = "transcription-123456789012-eu-north-1"
  longest_retention_days = 365
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

run "origin_with_a_slash_at_the_end" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    cors_origins = ["https://app.example.com", "https://example.com/"]
  }

  expect_failures = [var.cors_origins]
}

run "origin_in_capitals" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    cors_origins = ["https://app.example.com", "https://Example.com"]
  }

  expect_failures = [var.cors_origins]
}

run "origin_of_all_hosts_of_a_domain" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    cors_origins = ["https://app.example.com", "https://*.example.com"]
  }

  expect_failures = [var.cors_origins]
}

run "origin_without_a_scheme" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    cors_origins = ["https://app.example.com", "example.com"]
  }

  expect_failures = [var.cors_origins]
}

run "origin_that_no_page_has" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    cors_origins = ["https://app.example.com", "null"]
  }

  expect_failures = [var.cors_origins]
}

run "origin_with_the_port_that_browsers_leave_out" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    cors_origins = ["https://app.example.com", "https://example.com:443"]
  }

  expect_failures = [var.cors_origins]
}

run "origin_with_a_path_after_its_port" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    cors_origins = ["https://app.example.com", "http://localhost:5173/app"]
  }

  expect_failures = [var.cors_origins]
}
