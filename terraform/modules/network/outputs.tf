output "subnet_ids" {
  description = "Subnets in which machines may start, in the order of their zones."
  value       = local.created ? [for zone in local.zones : aws_subnet.this[zone].id] : var.subnet_ids
}

output "zones" {
  description = "The availability zones of those subnets."
  value       = local.created ? local.zones : distinct([for subnet in data.aws_subnet.given : subnet.availability_zone])
}

output "security_group_id" {
  description = "Id of the machines' security group."
  value       = aws_security_group.worker.id
}

output "vpc_id" {
  description = "The id of the VPC."
  value       = local.created ? aws_vpc.this[0].id : var.vpc_id
}
