# What modules/observability refuses, at plan.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                   = "transcription-eu-north-1"
  deployment             = "transcription"
  queue_name             = "uploads"
  dead_letter_queue_name = "uploads-dead-letters"
  function_names         = ["TranscriptionProcessUpload"]
  table_name             = "transcription-jobs"
  index_names            = ["due", "by_client"]

  orchestrator_log_group_name = "/aws/lambda/TranscriptionProcessUpload"
}

run "address_without_an_at" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    alarm_email = "operations"
  }

  expect_failures = [var.alarm_email]
}

run "waits_that_a_start_may_take" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    stalled_minutes = 5
  }

  expect_failures = [var.stalled_minutes]
}

run "alarm_at_no_failure" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    failed_jobs_an_hour = 0
  }

  expect_failures = [var.failed_jobs_an_hour]
}

run "negative_budget" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    daily_budget_usd = -1
  }

  expect_failures = [var.daily_budget_usd]
}

run "budget_that_nobody_hears" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    daily_budget_usd = 10
  }

  expect_failures = [var.daily_budget_usd]
}
