# Nothing comes in. TLS goes out: to AWS, to webhook receivers, and to where a machine without an image of its own
# fetches its programs. Name resolution and time inside a VPC pass no security group.
resource "aws_security_group" "worker" {
  #checkov:skip=CKV2_AWS_5:the launch template in modules/gpu_worker attaches it
  # It is a prefix, because EC2 cannot change a group's description: another group takes its place, and needs another
  # name.
  name_prefix = "${var.name}-worker-"
  description = "Transcription machines: nothing in, TLS out"
  vpc_id      = local.created ? aws_vpc.this[0].id : var.vpc_id

  tags = { Name = "${var.name}-worker" }

  lifecycle {
    create_before_destroy = true

    # EC2 Fleet would refuse every launch, because a request may name a zone only once.
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
