# What things are called.
data "aws_caller_identity" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id

  # Roles and buckets are named once for all regions, so the region is part of their names.
  name        = "${var.deployment}-${var.region}"
  bucket_name = var.bucket_name != "" ? var.bucket_name : "${var.deployment}-${local.account}-${var.region}"
  table_name  = var.table_name != "" ? var.table_name : "${var.deployment}-jobs"
  functions   = title(var.deployment)

  public_url = var.api_enabled ? module.api[0].url : ""
}
