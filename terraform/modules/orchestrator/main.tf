# The function that takes in uploads and sees, every minute, to whatever is overdue.
data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  region    = data.aws_region.current.id
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  ec2       = "arn:${local.partition}:ec2:${local.region}"
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115:the mapping's maximum concurrency is the limit; reserving would throttle uploads into the dead letters
  #checkov:skip=CKV_AWS_116:the queue has dead letters; a lost sweep is followed by the next, a minute later
  #checkov:skip=CKV_AWS_117:it speaks to AWS and to webhook receivers; inside a VPC that would need a NAT gateway
  #checkov:skip=CKV_AWS_173:nothing in the environment is secret
  #checkov:skip=CKV_AWS_272:code signing is the choice of an account, not of this module
  #checkov:skip=CKV_AWS_50:tracing is not paid for unless it is read; stage times are kept on every job
  function_name = var.function_name
  description   = "Takes in uploads, starts machines, sees to what is overdue"
  role          = aws_iam_role.this.arn
  handler       = "services.orchestrator.handler.handler"
  runtime       = "python3.13"
  architectures = ["x86_64"]
  # CPU comes with memory: at 1024 MB a cold start takes half as long as at 512.
  memory_size = 1024
  timeout     = var.timeout_seconds

  filename         = var.zip_path
  source_code_hash = fileexists(var.zip_path) ? filebase64sha256(var.zip_path) : ""

  environment {
    variables = {
      TABLE_NAME               = var.table_name
      BUCKET_NAME              = var.bucket_name
      DEPLOYMENT               = var.deployment
      SECRETS_KEY_ID           = var.key_arn
      PUBLIC_URL               = var.public_url
      MODELS                   = join(",", var.models)
      UNRECORDED_MODELS        = join(",", var.unrecorded_models)
      RETENTION_DAYS           = tostring(var.retention_days)
      LOG_LEVEL                = var.log_level
      LAUNCH_TEMPLATE_ID       = var.launch_template_id
      SUBNET_IDS               = join(",", var.subnet_ids)
      INSTANCE_TYPES           = join(",", var.instance_types)
      IMAGE_PARAMETER          = var.image_parameter
      FALLBACK_IMAGE_PARAMETER = var.fallback_image_parameter
      MAX_WORKERS              = tostring(var.max_workers)
      ON_DEMAND_AFTER_MINUTES  = tostring(var.on_demand_after_minutes)
      MAX_LIFETIME_MINUTES     = tostring(var.max_lifetime_minutes)
      WORKER_LOG_GROUP         = var.worker_log_group
    }
  }

  lifecycle {
    precondition {
      condition     = fileexists(var.zip_path)
      error_message = "The orchestrator's package ${var.zip_path} is missing: run `./nox -s package` first, or set orchestrator_zip to the file of a release."
    }
  }

  # A function that may not write its log loses the very lines that say why.
  depends_on = [aws_iam_role_policy.this, aws_cloudwatch_log_group.this]
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:logs hold no content of recordings; CloudWatch encrypts them with its own key
  #checkov:skip=CKV_AWS_338:how long logs are kept is the operator's choice
  name              = "/aws/lambda/${var.function_name}"
  retention_in_days = var.log_retention_days
}
