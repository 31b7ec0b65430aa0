# The function that answers. modules/lambda_function makes it, with its log group and its role.
locals {
  # Of the API's operations: those that are routed, and those that a page of another origin may use.
  methods = ["DELETE", "GET", "PATCH", "POST", "PUT"]

  page_routes = ["GET /", "GET /page/{proxy+}"]

  url = var.domain_name == "" ? aws_apigatewayv2_api.this.api_endpoint : "https://${var.domain_name}"

  environment = {
    TABLE_NAME             = var.table_name
    BUCKET_NAME            = var.bucket_name
    DEPLOYMENT             = var.deployment
    SECRETS_KEY_ID         = var.key_arn
    PUBLIC_URL             = local.url
    MODELS                 = join(",", var.models)
    UNRECORDED_MODELS      = join(",", var.unrecorded_models)
    MAX_UPLOAD_GB          = tostring(var.max_upload_gb)
    RETENTION_DAYS         = tostring(var.retention_days)
    LONGEST_RETENTION_DAYS = tostring(var.longest_retention_days)
    LOG_RETENTION_DAYS     = tostring(var.log_retention_days)
    LOG_LEVEL              = var.log_level
    PAGE                   = tostring(var.page_enabled)

    EARLY_LAUNCH_QUEUE_URL = var.launch_at_registration ? var.queue_url : ""
  }
}

module "function" {
  source = "../lambda_function"

  name             = var.name
  service          = "api"
  function_name    = var.function_name
  description      = "Transcription API"
  role_description = "Transcription API of ${var.deployment}"
  handler          = "services.api.handler.handler"
  zip_path         = var.zip_path
  # One second under the gateway's own 30, so that the function's answer is the one that is seen.
  timeout_seconds          = 29
  environment              = local.environment
  policy                   = data.aws_iam_policy_document.this.json
  log_retention_days       = var.log_retention_days
  role_path                = var.role_path
  permissions_boundary_arn = var.permissions_boundary_arn
}
