# What things are called, and how they are tagged.
data "aws_caller_identity" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id

  # A role's name is unique in the account and a bucket's in the world, so the region is part of both.
  name        = "${var.deployment}-${var.region}"
  bucket_name = var.bucket_name != "" ? var.bucket_name : "${var.deployment}-${local.account}-${var.region}"
  table_name  = var.table_name != "" ? var.table_name : "${var.deployment}-jobs"
  functions   = title(var.deployment)

  # The provider puts these on all that Terraform makes. They do not reach what is launched from a template, so the
  # template has them too.
  tags = merge(var.tags, { project = "gpu-transcriber", deployment = var.deployment })

  longest_retention_days = max(var.longest_retention_days, var.retention_days)

  public_url = var.api_enabled ? module.api[0].url : ""

  # The API's own page sends recordings to the bucket, to which it is a page of another origin.
  page_origins = var.api_enabled && var.page_enabled ? [module.api[0].url] : []
}
