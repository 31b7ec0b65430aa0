# What modules/jobs_table refuses, at plan.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  deletion_protection = false
}

run "table_name_with_a_space" {
  command = plan

  module {
    source = "./modules/jobs_table"
  }

  variables {
    name = "transcription jobs"
  }

  expect_failures = [var.name]
}
