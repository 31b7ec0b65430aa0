# Some settings apply without complaint and then never work. These checks warn of them and refuse nothing, since a
# higher quota may already have been asked for. The account is read here and not inside the checks: a check that reads
# makes Terraform announce changes in every plan.
data "aws_servicequotas_service_quota" "this" {
  for_each = var.check_quotas ? {
    spot      = ["ec2", "L-3819A6DF"]    # All G and VT Spot Instance Requests
    on_demand = ["ec2", "L-DB2E81BA"]    # Running On-Demand G and VT instances
    functions = ["lambda", "L-B99A9384"] # Concurrent executions
  } : {}

  service_code = each.value[0]
  quota_code   = each.value[1]
}

# The launch template always encrypts, so the default key counts even where the account does not encrypt by default.
data "aws_ebs_default_kms_key" "current" {
  count = var.check_quotas && var.ebs_key_arn == "" ? 1 : 0
}

data "aws_kms_key" "disks" {
  count = length(data.aws_ebs_default_kms_key.current)

  key_id = data.aws_ebs_default_kms_key.current[0].key_arn
}

# EC2 chooses among the types at each launch, so each machine may be of the largest one.
data "aws_ec2_instance_type" "listed" {
  for_each = toset(var.check_quotas ? module.gpu_worker.instance_types : [])

  instance_type = each.value
}

locals {
  quotas = { for name, quota in data.aws_servicequotas_service_quota.this : name => quota.value }

  # P types count against quotas of their own.
  vcpus         = { for name, type in data.aws_ec2_instance_type.listed : name => type.default_vcpus if startswith(name, "g") }
  largest_vcpus = max(0, values(local.vcpus)...)
  largest_types = join(", ", [for name, vcpus in local.vcpus : name if vcpus == local.largest_vcpus])
  wanted_vcpus  = var.max_workers * local.largest_vcpus

  # Calls at once: those that the queue may make, the one of the sweep, and those of the API, at requests_per_second, if
  # each of them takes a fifth of a second.
  wanted_calls = module.orchestrator.max_concurrency + 1 + (var.api_enabled ? ceil(var.requests_per_second / 5) : 0)
}

check "disks_key" {
  assert {
    condition     = one(data.aws_kms_key.disks[*].key_manager) != "CUSTOMER"
    error_message = "The account's default key for disks, ${coalesce(one(data.aws_kms_key.disks[*].arn), "none")}, is one of your own, and spot machines may not use it unless its policy says so: then EC2 ends every machine as it starts (Client.InternalError). Name it in ebs_key_arn, so that they may."
  }
}

check "function_quota" {
  assert {
    condition     = lookup(local.quotas, "functions", local.wanted_calls) >= local.wanted_calls
    error_message = "The quota 'Concurrent executions' of Lambda is ${lookup(local.quotas, "functions", 0)} for the whole account, and this deployment may want ${local.wanted_calls} at once. Above it uploads wait, and may be set aside as dead letters, and the API answers 503. New accounts have 10: ask for more under Service Quotas, Lambda, or lower requests_per_second."
  }
}

check "spot_quota" {
  assert {
    condition     = lookup(local.quotas, "spot", local.wanted_vcpus) >= local.wanted_vcpus
    error_message = "The quota 'All G and VT Spot Instance Requests' is ${lookup(local.quotas, "spot", 0)} vCPUs, and ${var.max_workers} machines of the largest type listed (${local.largest_types}) need ${local.wanted_vcpus}. New accounts have 0, with which nothing ever runs on the spot market: ask for more under Service Quotas, EC2. Until then jobs run only if on_demand_after_minutes is set, at the on-demand price."
  }
}

check "on_demand_quota" {
  assert {
    condition     = var.on_demand_after_minutes == 0 || lookup(local.quotas, "on_demand", local.wanted_vcpus) >= local.wanted_vcpus
    error_message = "on_demand_after_minutes is set, but the quota 'Running On-Demand G and VT instances' is ${lookup(local.quotas, "on_demand", 0)} vCPUs, and ${var.max_workers} machines of the largest type listed (${local.largest_types}) need ${local.wanted_vcpus}: ask for more under Service Quotas, EC2."
  }
}

check "types_offered" {
  assert {
    condition     = length(setsubtract(var.instance_types, module.gpu_worker.instance_types)) == 0
    error_message = "${join(", ", setsubtract(var.instance_types, module.gpu_worker.instance_types))} is offered in none of the zones ${join(", ", module.network.zones)} and is left out."
  }
}

check "types_priced" {
  assert {
    condition     = length(local.unpriced_types) == 0
    error_message = "No price is known of ${join(", ", local.unpriced_types)}: jobs on such a machine do not say what they cost, and nobody can say what most a day costs (output daily_ceiling_usd). Add it to services/common/domain/prices.py and terraform/costs.tf, or leave the type out."
  }
}

check "alarms_are_heard" {
  assert {
    condition     = var.alarm_email != ""
    error_message = "alarm_email is empty: alarms ring on the topic ${module.observability.topic_arn}, to which nobody has subscribed yet."
  }
}

check "models_recorded" {
  assert {
    condition     = length(local.unrecorded_models) == 0
    error_message = "The lock of models (${local.models_lock}) does not know ${join(", ", local.unrecorded_models)}, so no machine may fetch that: the API refuses jobs that need it, and without an image of your own uploads wait. Run `python -m tools.models record ${join(" ", local.unrecorded_models)}` in the repository, and apply again."
  }
}
