# A VPC for the machines alone, unless an existing one is given. It has a public subnet in every wanted zone, because a
# machine that may start anywhere finds spot capacity soonest. It has no NAT gateway, because that costs about $35 a
# month even while nobody transcribes.
data "aws_region" "current" {}

data "aws_availability_zones" "available" {
  #checkov:skip=CKV_AWS_394:a new zone is one more place to find a machine in, and moves none of the subnets that are there
  state = "available"

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  created      = var.vpc_id == ""
  region_zones = sort(data.aws_availability_zones.available.names)
  zones        = length(var.zones) > 0 ? var.zones : local.region_zones

  # A subnet is numbered by its zone's place in the region, so adding a zone moves no other subnet.
  subnets = {
    for zone in(local.created ? local.zones : []) :
    zone => cidrsubnet(var.cidr_block, 4, try(index(local.region_zones, zone), 15))
  }
}

resource "aws_vpc" "this" {
  #checkov:skip=CKV2_AWS_11:flow logs would cost more than the machines of a small deployment; nothing can be reached from outside
  count = local.created ? 1 : 0

  cidr_block           = var.cidr_block
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.name }

  lifecycle {
    precondition {
      condition     = alltrue([for zone in var.zones : contains(local.region_zones, zone)])
      error_message = "zones: ${join(", ", setsubtract(var.zones, local.region_zones))} is not in this region, which has ${join(", ", local.region_zones)}."
    }
  }
}

# Terraform takes all rules out of the default group, so that what ends up in it by accident cannot be reached.
resource "aws_default_security_group" "closed" {
  count = local.created ? 1 : 0

  vpc_id = aws_vpc.this[0].id
}
