# What applies without complaint and then never works. These warn and do not refuse: a quota may be on its way.
# The quotas are read here and not inside the checks, since a check that reads makes every plan one with changes.
data "aws_servicequotas_service_quota" "gpu" {
  for_each = var.check_quotas ? {
    spot      = "L-3819A6DF" # All G and VT Spot Instance Requests
    on_demand = "L-DB2E81BA" # Running On-Demand G and VT instances
  } : {}

  service_code = "ec2"
  quota_code   = each.value
}

locals {
  # vCPUs; the smallest machine has four.
  quotas       = { for market, quota in data.aws_servicequotas_service_quota.gpu : market => quota.value }
  least_vcpus  = 4
  wanted_vcpus = var.max_workers * local.least_vcpus
}

check "spot_quota" {
  assert {
    condition     = lookup(local.quotas, "spot", local.wanted_vcpus) >= local.wanted_vcpus
    error_message = "The quota 'All G and VT Spot Instance Requests' is ${lookup(local.quotas, "spot", 0)} vCPUs, and ${var.max_workers} machines need at least ${local.wanted_vcpus}. New accounts have 0, with which nothing ever runs: ask for more under Service Quotas, EC2."
  }
}

check "on_demand_quota" {
  assert {
    condition     = var.on_demand_after_minutes == 0 || lookup(local.quotas, "on_demand", local.least_vcpus) >= local.least_vcpus
    error_message = "on_demand_after_minutes is set, but the quota 'Running On-Demand G and VT instances' is ${lookup(local.quotas, "on_demand", 0)} vCPUs, less than the ${local.least_vcpus} of the smallest machine: ask for more under Service Quotas, EC2."
  }
}

check "types_offered" {
  assert {
    condition     = length(setsubtract(var.instance_types, module.gpu_worker.instance_types)) == 0
    error_message = "${join(", ", setsubtract(var.instance_types, module.gpu_worker.instance_types))} is offered in none of the zones ${join(", ", module.network.zones)} and is left out."
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
    error_message = "The lock of models (${local.models_lock}) does not know ${join(", ", local.unrecorded_models)}, so no machine may fetch that: the API refuses jobs for it, and without an image of your own uploads wait. Run `python -m tools.models record ${join(" ", local.unrecorded_models)}` in the repository, and apply again."
  }
}
