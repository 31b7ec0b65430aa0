# A worker reads this when it starts: one JSON object with the same names as the functions' environment. A machine finds
# the parameter by its tag `transcribe-config`, so an image holds nothing of it.
resource "aws_ssm_parameter" "config" {
  #checkov:skip=CKV2_AWS_34:names and limits, nothing secret
  name        = "/${var.deployment}/worker"
  description = "Settings of the machines of ${var.deployment}"
  type        = "String"

  value = jsonencode({
    TABLE_NAME           = var.table_name
    BUCKET_NAME          = var.bucket_name
    DEPLOYMENT           = var.deployment
    SECRETS_KEY_ID       = var.key_arn
    PUBLIC_URL           = var.public_url
    MODELS               = join(",", var.models)
    RETENTION_DAYS       = tostring(var.retention_days)
    LOG_LEVEL            = var.log_level
    LOG_GROUP            = aws_cloudwatch_log_group.worker.name
    MAX_LIFETIME_MINUTES = tostring(var.max_lifetime_minutes)
    IDLE_SECONDS         = tostring(var.idle_seconds)
    MAX_AUDIO_HOURS      = tostring(var.max_audio_hours)
    COMPUTE_TYPE         = var.compute_type
  })
}

# The orchestrator reads this at every launch, so the next machine uses a new image, without an apply.
resource "aws_ssm_parameter" "image" {
  #checkov:skip=CKV2_AWS_34:the id of a machine image is no secret
  count = var.image_parameter == "" ? 1 : 0

  name        = "/${var.deployment}/image"
  description = "Image id for the machines of ${var.deployment}; none means that AWS's public image is provisioned at boot"
  type        = "String"
  value       = "none"

  lifecycle {
    # Whoever builds an image writes its id here.
    ignore_changes = [value]
  }
}
