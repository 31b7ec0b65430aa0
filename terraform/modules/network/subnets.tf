resource "aws_subnet" "this" {
  #checkov:skip=CKV_AWS_130:a public address instead of a NAT gateway; the security group lets nothing in
  for_each = local.subnets

  vpc_id                  = aws_vpc.this[0].id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = true

  tags = { Name = "${var.name}-${each.key}" }
}

data "aws_subnet" "given" {
  for_each = toset(local.created ? [] : var.subnet_ids)

  id = each.key

  lifecycle {
    postcondition {
      condition     = self.vpc_id == var.vpc_id
      error_message = "subnet_ids: ${self.id} lies in ${self.vpc_id}, not in ${var.vpc_id}."
    }
  }
}
