# One Lambda function with its log group and its role. What calls it, and what it may do, is said by whoever uses this.
locals {
  # `transcribe doctor` reads the release out of the description. Where this module is used by itself, there is none.
  project = "${path.module}/../../../pyproject.toml"
  release = fileexists(local.project) ? regex("(?m)^version = .(.+).$", file(local.project))[0] : null
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115:what calls a function limits it: the API's gateway by its throttle, the queue by its mapping's maximum concurrency; reserving would throttle uploads into the dead letters
  #checkov:skip=CKV_AWS_116:the API is called synchronously, and its caller hears of failures; the queue has dead letters, and a lost sweep is followed by the next
  #checkov:skip=CKV_AWS_117:functions speak to AWS and to webhook receivers, over TLS; inside a VPC they would need a NAT gateway
  #checkov:skip=CKV_AWS_173:nothing in the environment is secret
  #checkov:skip=CKV_AWS_272:code signing is the choice of an account, not of this module
  #checkov:skip=CKV_AWS_50:tracing is not paid for unless it is read; stage times are kept on every job
  function_name = var.function_name
  description   = local.release == null ? var.description : "${var.description} (${local.release})"
  role          = aws_iam_role.this.arn
  handler       = var.handler
  runtime       = "python3.13"
  architectures = ["x86_64"]
  # CPU comes with memory: at 1024 MB a cold start takes half as long as at 512.
  memory_size = 1024
  timeout     = var.timeout_seconds

  filename         = var.zip_path
  source_code_hash = fileexists(var.zip_path) ? filebase64sha256(var.zip_path) : ""

  environment {
    variables = var.environment
  }

  lifecycle {
    precondition {
      condition     = fileexists(var.zip_path)
      error_message = "The package ${var.zip_path} of the function ${var.function_name} is missing: run `./nox -s package` first, or set api_zip and orchestrator_zip to the files of a release."
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
