# Each part that can be left out or replaced.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  api_zip          = "./main.tf"
  orchestrator_zip = "./main.tf"
  worker_artifact  = "./main.tf"
  alarm_email      = "operations@example.com"
  models           = ["whisper-base"]

  deletion_protection = false
}

run "api_left_out" {
  command = apply

  variables {
    api_enabled = false
  }

  assert {
    condition     = length(module.api) == 0 && output.api_url == ""
    error_message = "There is an API at ${output.api_url}."
  }

  assert {
    condition     = join(",", output.function_names) == "TranscriptionProcessUpload"
    error_message = "The functions are ${join(",", output.function_names)}."
  }

  assert {
    condition     = !contains(keys(output.role_names), "api")
    error_message = "A role was made for a service that is not there."
  }
}

run "own_domain" {
  command = apply

  variables {
    domain_name     = "transcribe.example.com"
    certificate_arn = "arn:aws:acm:eu-north-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = output.api_url == "https://transcribe.example.com"
    error_message = "The API's address is ${output.api_url}."
  }
}

run "existing_network" {
  command = apply

  variables {
    vpc_id     = "vpc-0123456789abcdef0"
    subnet_ids = ["subnet-0123456789abcdef0"]
    # The one zone of that subnet offers no g5.
    instance_types = ["g4dn.xlarge"]
  }

  assert {
    condition     = join(",", module.network.subnet_ids) == "subnet-0123456789abcdef0"
    error_message = "Machines start in ${join(",", module.network.subnet_ids)}."
  }

  assert {
    condition     = join(",", module.network.zones) == "eu-north-1a"
    error_message = "The zones are ${join(",", module.network.zones)}."
  }
}

run "existing_image_parameter" {
  command = apply

  variables {
    image_parameter = "/images/transcriber"
  }

  assert {
    condition     = output.image_parameter == "/images/transcriber"
    error_message = "The image is read from ${output.image_parameter}."
  }
}

run "types_that_no_zone_offers_are_left_out_with_a_warning" {
  command = plan

  variables {
    zones = ["eu-north-1a"]
  }

  assert {
    condition     = join(",", module.gpu_worker.instance_types) == "g4dn.xlarge,g4dn.2xlarge"
    error_message = "The types are ${join(",", module.gpu_worker.instance_types)}."
  }

  expect_failures = [check.types_offered]
}

run "nobody_hears_alarms" {
  command = plan

  variables {
    alarm_email = ""
  }

  expect_failures = [check.alarms_are_heard]
}

run "quota_too_small_for_the_machines" {
  command = plan

  variables {
    max_workers = 17
  }

  expect_failures = [check.spot_quota]
}

run "few_functions_at_once" {
  command = plan

  override_data {
    target = data.aws_servicequotas_service_quota.this["functions"]
    values = { value = 10 }
  }

  expect_failures = [check.function_quota]
}

run "few_functions_are_enough_for_few_requests" {
  command = plan

  variables {
    requests_per_second = 20
  }

  override_data {
    target = data.aws_servicequotas_service_quota.this["functions"]
    values = { value = 10 }
  }
}

run "disks_under_a_key_that_nobody_named" {
  command = plan

  override_data {
    target = data.aws_kms_key.disks[0]
    values = { key_manager = "CUSTOMER" }
  }

  expect_failures = [check.disks_key]
}

run "account_that_may_not_be_read" {
  command = plan

  variables {
    check_quotas = false
  }

  assert {
    condition     = length(data.aws_servicequotas_service_quota.this) == 0 && length(data.aws_ebs_default_kms_key.current) == 0 && length(data.aws_kms_key.disks) == 0
    error_message = "Quotas or keys were read."
  }
}

run "disks_under_a_key_of_ones_own" {
  command = apply

  variables {
    ebs_key_arn = "arn:aws:kms:eu-north-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  assert {
    condition     = length(data.aws_kms_key.disks) == 0
    error_message = "The account's default key was read, which does not matter any more."
  }
}

run "models_that_the_lock_does_not_know_are_named" {
  command = plan

  variables {
    models = ["whisper-base", "example/unrecorded", "whisper-base@strict"]
  }

  assert {
    condition     = join(",", local.unrecorded_models) == "example/unrecorded,whisper-base@strict"
    error_message = "The lock does not know ${join(",", local.unrecorded_models)}."
  }

  expect_failures = [check.models_recorded]
}

run "a_lock_of_another_place_may_be_named" {
  command = plan

  variables {
    models      = ["example/elsewhere@strict"]
    models_lock = "./tests/mocks/models.lock.json"
  }

  assert {
    condition     = length(local.unrecorded_models) == 0
    error_message = "The lock does not know ${join(",", local.unrecorded_models)}."
  }
}
