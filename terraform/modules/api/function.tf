locals {
  url = var.domain_name == "" ? aws_apigatewayv2_api.this.api_endpoint : "https://${var.domain_name}"
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115:the gateway's throttle is the limit
  #checkov:skip=CKV_AWS_116:it is called synchronously, and the caller hears of failures
  #checkov:skip=CKV_AWS_117:it speaks to AWS only, over TLS; inside a VPC that would cost endpoints by the hour
  #checkov:skip=CKV_AWS_173:nothing in the environment is secret
  #checkov:skip=CKV_AWS_272:code signing is the choice of an account, not of this module
  #checkov:skip=CKV_AWS_50:tracing is not paid for unless it is read
  function_name = var.function_name
  description   = "Transcription API"
  role          = aws_iam_role.this.arn
  handler       = "services.api.handler.handler"
  runtime       = "python3.13"
  architectures = ["x86_64"]
  # CPU comes with memory: at 1024 MB a cold start takes half as long as at 512.
  memory_size = 1024
  # One second under the gateway's own 30, so that the function's answer is the one that is seen.
  timeout = 29

  filename         = var.zip_path
  source_code_hash = fileexists(var.zip_path) ? filebase64sha256(var.zip_path) : ""

  environment {
    variables = {
      TABLE_NAME         = var.table_name
      BUCKET_NAME        = var.bucket_name
      DEPLOYMENT         = var.deployment
      SECRETS_KEY_ID     = var.key_arn
      PUBLIC_URL         = local.url
      MODELS             = join(",", var.models)
      UNRECORDED_MODELS  = join(",", var.unrecorded_models)
      RETENTION_DAYS     = tostring(var.retention_days)
      LOG_RETENTION_DAYS = tostring(var.log_retention_days)
      LOG_LEVEL          = var.log_level
    }
  }

  lifecycle {
    precondition {
      condition     = fileexists(var.zip_path)
      error_message = "The API's package ${var.zip_path} is missing: run `./nox -s package` first, or set api_zip to the file of a release."
    }
  }

  # A function that may not write its log loses the very lines that say why.
  depends_on = [aws_iam_role_policy.this, aws_cloudwatch_log_group.function]
}

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158:logs hold no content of recordings; CloudWatch encrypts them with its own key
  #checkov:skip=CKV_AWS_338:how long logs are kept is the operator's choice
  name              = "/aws/lambda/${var.function_name}"
  retention_in_days = var.log_retention_days
}
