variable "name" {
  description = "Prefix of the names of everything in this module."
  type        = string
  nullable    = false
}

variable "cidr_block" {
  description = "IPv4 network of the VPC that is made. Each zone gets a sixteenth of its addresses."
  type        = string
  default     = "10.90.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrsubnet(var.cidr_block, 4, 15)) && can(regex("/(1[6-9]|2[0-4])$", var.cidr_block))
    error_message = "cidr_block: an IPv4 network between /16 and /24, for example 10.90.0.0/16."
  }
}

variable "zones" {
  description = "Availability zones in which machines may start. Empty means all zones of the region."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "vpc_id" {
  description = "Id of an existing VPC to use. Empty makes a VPC."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.vpc_id == "" || can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "vpc_id: the id of a VPC, for example vpc-0123456789abcdef0, or empty to have one made."
  }
}

variable "subnet_ids" {
  description = "Subnets of the existing VPC in which machines start, one for each zone. They need a way out to the internet, and `vpc_id` needs at least one."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = (var.vpc_id == "") == (length(var.subnet_ids) == 0)
    error_message = "subnet_ids: name at least one subnet together with vpc_id, and none without it."
  }
}

variable "egress_ports" {
  description = "TCP ports on which machines may open connections to anywhere."
  type        = list(number)
  default     = [443, 8443]
  nullable    = false

  validation {
    condition     = contains(var.egress_ports, 443) && alltrue([for port in var.egress_ports : port > 0 && port < 65536])
    error_message = "egress_ports: TCP ports between 1 and 65535, with 443 among them, over which a machine reaches AWS."
  }
}
