# What modules/orchestrator refuses, at plan.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name           = "transcription-eu-north-1"
  deployment     = "transcription"
  zip_path       = "./main.tf"
  table_name     = "transcription-jobs"
  table_arn      = "arn:aws:dynamodb:eu-north-1:123456789012:table/transcription-jobs"
  bucket_name    = "transcription-123456789012-eu-north-1"
  bucket_arn     = "arn:aws:s3:::transcription-123456789012-eu-north-1"
  key_arn        = "arn:aws:kms:eu-north-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  models         = ["KBLab/kb-whisper-small"]
  retention_days = 30
  public_url     = ""
  launch_templates = {
    on-demand = { id = "lt-0123456789abcdef0", arn = "arn:aws:ec2:eu-north-1:123456789012:launch-template/lt-0123456789abcdef0" }
    spot      = { id = "lt-0123456789abcdef1", arn = "arn:aws:ec2:eu-north-1:123456789012:launch-template/lt-0123456789abcdef1" }
  }
  worker_role_arn   = "arn:aws:iam::123456789012:role/transcription-eu-north-1-worker"
  worker_log_group  = "/transcription/worker"
  security_group_id = "sg-0123456789abcdef0"
  subnet_ids        = ["subnet-0123456789abcdef0"]
  instance_types    = ["g4dn.xlarge"]
  image_parameter   = "/transcription/image"

  fallback_image_parameter = "/aws/service/some/image"
}

run "function_name_with_a_dot" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    function_name = "process.upload"
  }

  expect_failures = [var.function_name]
}

run "no_machines" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    max_workers = 0
  }

  expect_failures = [var.max_workers]
}

run "negative_machines" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    max_workers = -2
  }

  expect_failures = [var.max_workers]
}

run "half_a_machine" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    max_workers = 1.5
  }

  expect_failures = [var.max_workers]
}

run "negative_patience" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    on_demand_after_minutes = -1
  }

  expect_failures = [var.on_demand_after_minutes]
}

run "time_for_no_webhook" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    timeout_seconds = 10
  }

  expect_failures = [var.timeout_seconds]
}

run "concurrency_that_sqs_refuses" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    max_concurrency = 1
  }

  expect_failures = [var.max_concurrency]
}

run "fallback_of_a_stranger" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    fallback_image_parameter = "/somebody/image"
  }

  expect_failures = [var.fallback_image_parameter]
}

run "warm_on_no_day" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    warm_hours = [{ days = [], from = "08:00", to = "18:00", machines = 1 }]
  }

  expect_failures = [var.warm_hours]
}

run "warm_on_a_day_that_is_written_out" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    warm_hours = [{ days = ["monday"], from = "08:00", to = "18:00", machines = 1 }]
  }

  expect_failures = [var.warm_hours]
}

run "warm_from_a_time_of_one_digit" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    warm_hours = [{ days = ["mon"], from = "8:00", to = "18:00", machines = 1 }]
  }

  expect_failures = [var.warm_hours]
}

run "warm_from_the_end_of_a_day" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    warm_hours = [{ days = ["mon"], from = "24:00", to = "18:00", machines = 1 }]
  }

  expect_failures = [var.warm_hours]
}

run "warm_to_beyond_the_day" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    warm_hours = [{ days = ["mon"], from = "08:00", to = "24:30", machines = 1 }]
  }

  expect_failures = [var.warm_hours]
}

run "warm_for_no_time" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    warm_hours = [{ days = ["mon"], from = "08:00", to = "08:00", machines = 1 }]
  }

  expect_failures = [var.warm_hours]
}

run "warm_without_machines" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    warm_hours = [{ days = ["mon"], from = "08:00", to = "18:00", machines = 0 }]
  }

  expect_failures = [var.warm_hours]
}

run "warm_with_half_a_machine" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    warm_hours = [{ days = ["mon"], from = "08:00", to = "18:00", machines = 1.5 }]
  }

  expect_failures = [var.warm_hours]
}

run "warm_with_more_machines_than_may_run" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    max_workers = 2
    warm_hours  = [{ days = ["mon"], from = "08:00", to = "18:00", machines = 3 }]
  }

  expect_failures = [var.warm_hours]
}

run "warm_in_more_windows_than_an_environment_holds" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    warm_hours = [for minute in range(10, 31) : { days = ["mon"], from = "08:${minute}", to = "18:00" }]
  }

  expect_failures = [var.warm_hours]
}

run "warm_by_the_clock_of_a_zone_that_is_misspelled" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    warm_zone = "Europe/Stokholm"
  }

  expect_failures = [var.warm_zone]
}

run "warm_by_the_clock_of_no_zone" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    warm_zone = ""
  }

  expect_failures = [var.warm_zone]
}
