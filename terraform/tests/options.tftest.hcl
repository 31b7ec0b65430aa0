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

run "page_left_out" {
  command = apply

  variables {
    page_enabled = false
  }

  assert {
    condition     = length(local.page_origins) == 0
    error_message = "The bucket lets in a page that is not there."
  }
}

run "jobs_kept_for_longer_than_corrections_would_keep_them" {
  command = plan

  variables {
    retention_days         = 400
    longest_retention_days = 90
  }

  assert {
    condition     = local.longest_retention_days == 400
    error_message = "S3 would delete recordings after ${local.longest_retention_days} days, whose jobs are kept for 400."
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

  assert {
    condition     = join(",", local.page_origins) == "https://transcribe.example.com"
    error_message = "The bucket would keep the page at its own domain out."
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

run "quota_is_enough_for_the_machines" {
  command = plan

  variables {
    max_workers             = 16
    on_demand_after_minutes = 10
  }
}

run "quotas_have_to_be_enough_for_the_largest_type" {
  command = plan

  variables {
    max_workers             = 9
    on_demand_after_minutes = 10
  }

  override_data {
    target = data.aws_ec2_instance_type.listed["g4dn.2xlarge"]
    values = { default_vcpus = 8 }
  }

  assert {
    condition     = local.wanted_vcpus == 72 && local.largest_types == "g4dn.2xlarge"
    error_message = "${local.wanted_vcpus} vCPUs for ${local.largest_types}."
  }

  expect_failures = [check.spot_quota, check.on_demand_quota]
}

run "nobody_warns_of_on_demand_where_it_is_not_allowed" {
  command = plan

  override_data {
    target = data.aws_servicequotas_service_quota.this["on_demand"]
    values = { value = 0 }
  }
}

run "the_ceiling_follows_the_dearest_type" {
  command = plan

  assert {
    condition     = output.daily_ceiling_usd.spot == 22.08 && output.daily_ceiling_usd.on_demand == 52.18
    error_message = "The machines cost ${jsonencode(output.daily_ceiling_usd)} a day."
  }
}

run "the_ceiling_of_one_type_in_any_place_of_the_list" {
  command = plan

  variables {
    max_workers    = 1
    instance_types = ["g4dn.2xlarge", "g4dn.xlarge"]
  }

  assert {
    condition     = output.daily_ceiling_usd.spot == 7.20 && output.daily_ceiling_usd.on_demand == 19.63
    error_message = "The machines cost ${jsonencode(output.daily_ceiling_usd)} a day."
  }
}

run "nobody_knows_the_ceiling_of_a_type_without_a_price" {
  command = plan

  variables {
    instance_types = ["g4dn.xlarge", "g6.xlarge"]
  }

  override_data {
    target = module.gpu_worker.data.aws_ec2_instance_type_offerings.zones
    values = {
      instance_types = ["g4dn.xlarge", "g6.xlarge"]
      locations      = ["eu-north-1a", "eu-north-1a"]
    }
  }

  assert {
    condition     = output.daily_ceiling_usd == null
    error_message = "The machines cost ${jsonencode(output.daily_ceiling_usd)} a day."
  }

  expect_failures = [check.types_priced]
}

run "prices_of_another_region_are_not_known" {
  command = plan

  variables {
    region = "eu-west-1"
  }

  assert {
    condition     = output.daily_ceiling_usd == null
    error_message = "The machines cost ${jsonencode(output.daily_ceiling_usd)} a day."
  }
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
    condition     = length(data.aws_servicequotas_service_quota.this) == 0 && length(data.aws_ebs_default_kms_key.current) == 0 && length(data.aws_kms_key.disks) == 0 && length(data.aws_ec2_instance_type.listed) == 0
    error_message = "Quotas, keys or types were read."
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

run "speakers_are_told_apart_unless_that_is_switched_off" {
  command = plan

  variables {
    models = ["whisper-base"]
  }

  assert {
    condition     = length(local.unavailable_models) == 0
    error_message = "The functions refuse ${join(",", local.unavailable_models)}."
  }
}

run "labels_that_are_switched_off_need_no_models_and_are_refused" {
  command = plan

  variables {
    models         = ["example/elsewhere@strict"]
    models_lock    = "./tests/mocks/models_without_speakers.lock.json"
    speaker_labels = false
  }

  assert {
    condition     = length(local.unrecorded_models) == 0 && join(",", local.unavailable_models) == "speakers"
    error_message = "The lock does not know ${join(",", local.unrecorded_models)}; the functions refuse ${join(",", local.unavailable_models)}."
  }
}

run "labels_whose_models_the_lock_does_not_know_are_named_and_refused" {
  command = plan

  variables {
    models      = ["example/elsewhere@strict"]
    models_lock = "./tests/mocks/models_without_speakers.lock.json"
  }

  assert {
    condition     = join(",", local.unavailable_models) == "speakers"
    error_message = "The functions refuse ${join(",", local.unavailable_models)}."
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
