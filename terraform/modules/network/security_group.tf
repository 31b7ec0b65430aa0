# Nothing in; out to what a worker speaks to over TLS: AWS, webhook receivers, and what a machine without an image of its own
# fetches. Name resolution and time inside a VPC pass no security group.
resource "aws_security_group" "worker" {
  #checkov:skip=CKV2_AWS_5:the launch template in modules/gpu_worker attaches it
  # A prefix: EC2 takes no new description for a group, and the group that takes its place cannot have its name.
  name_prefix = "${var.name}-worker-"
  description = "Transcription machines: nothing in, TLS out"
  vpc_id      = local.created ? aws_vpc.this[0].id : var.vpc_id

  tags = { Name = "${var.name}-worker" }

  lifecycle {
    create_before_destroy = true

    # EC2 Fleet refuses a request that names one zone twice, at every launch.
    precondition {
      condition     = length(distinct([for subnet in data.aws_subnet.given : subnet.availability_zone])) == length(data.aws_subnet.given)
      error_message = "subnet_ids: give one subnet for each availability zone; ${join(", ", [for subnet in data.aws_subnet.given : "${subnet.id} is in ${subnet.availability_zone}"])}."
    }

    precondition {
      condition     = local.created || length(var.zones) == 0
      error_message = "zones: an existing VPC's machines start in the zones of its subnet_ids; leave zones empty."
    }
  }
}

resource "aws_vpc_security_group_egress_rule" "worker" {
  for_each = toset([for port in var.egress_ports : tostring(port)])

  security_group_id = aws_security_group.worker.id
  description       = "Out on port ${each.key}"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
}
