# What machines cost at most. These are the prices of services/common/domain/prices.py, which a test compares: US dollars
# an hour in eu-north-1, without a public address and a disk.
locals {
  prices = {
    "g4dn.xlarge"  = { spot = 0.19, on_demand = 0.558 }
    "g4dn.2xlarge" = { spot = 0.28, on_demand = 0.798 }
    "g5.xlarge"    = { spot = 0.44, on_demand = 1.067 }
  }
  address_and_disk = 0.02

  unpriced_types = setsubtract(var.instance_types, keys(local.prices))

  # EC2 chooses among the types, so each machine may be of the dearest one. The orchestrator names no maximum price for
  # spot machines, and without one EC2 charges no more than the on-demand price (EC2 User Guide, "Spot Instance requests").
  ceilings = var.region != "eu-north-1" || length(local.unpriced_types) > 0 ? null : {
    for market in ["spot", "on_demand"] : market => tonumber(format("%.2f",
      24 * var.max_workers * (max(0, [for type in var.instance_types : local.prices[type][market]]...) + local.address_and_disk)
    ))
  }
}
