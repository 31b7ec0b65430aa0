# The function that takes in uploads and sees, every minute, to whatever is overdue. modules/lambda_function makes it,
# with its log group and its role.
data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  region    = data.aws_region.current.id
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  ec2       = "arn:${local.partition}:ec2:${local.region}"

  environment = {
    TABLE_NAME               = var.table_name
    BUCKET_NAME              = var.bucket_name
    DEPLOYMENT               = var.deployment
    SECRETS_KEY_ID           = var.key_arn
    PUBLIC_URL               = var.public_url
    MODELS                   = join(",", var.models)
    UNRECORDED_MODELS        = join(",", var.unrecorded_models)
    RETENTION_DAYS           = tostring(var.retention_days)
    LOG_LEVEL                = var.log_level
    LAUNCH_TEMPLATE_ID       = var.launch_templates["on-demand"].id
    SPOT_LAUNCH_TEMPLATE_ID  = var.launch_templates["spot"].id
    SUBNET_IDS               = join(",", var.subnet_ids)
    INSTANCE_TYPES           = join(",", var.instance_types)
    IMAGE_PARAMETER          = var.image_parameter
    FALLBACK_IMAGE_PARAMETER = var.fallback_image_parameter
    MAX_WORKERS              = tostring(var.max_workers)
    ON_DEMAND_AFTER_MINUTES  = tostring(var.on_demand_after_minutes)
    MAX_LIFETIME_MINUTES     = tostring(var.max_lifetime_minutes)
    WARM_HOURS               = length(var.warm_hours) > 0 ? jsonencode(var.warm_hours) : ""
    WARM_ZONE                = var.warm_zone
    WORKER_LOG_GROUP         = var.worker_log_group
    LAUNCH_AT_REGISTRATION   = tostring(var.launch_at_registration)
  }
}

module "function" {
  source = "../lambda_function"

  name                     = var.name
  service                  = "orchestrator"
  function_name            = var.function_name
  description              = "Takes in uploads, starts machines, sees to what is overdue"
  role_description         = "Orchestrator of ${var.deployment}"
  handler                  = "services.orchestrator.handler.handler"
  zip_path                 = var.zip_path
  timeout_seconds          = var.timeout_seconds
  environment              = local.environment
  policy                   = data.aws_iam_policy_document.this.json
  log_retention_days       = var.log_retention_days
  role_path                = var.role_path
  permissions_boundary_arn = var.permissions_boundary_arn
}
