# What the API may do.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                   = "transcription-eu-north-1"
  deployment             = "transcription"
  zip_path               = "./main.tf"
  table_name             = "transcription-jobs"
  table_arn              = "arn:aws:dynamodb:eu-north-1:123456789012:table/transcription-jobs"
  bucket_name            = "transcription-123456789012-eu-north-1"
  bucket_arn             = "arn:aws:s3:::transcription-123456789012-eu-north-1"
  key_arn                = "arn:aws:kms:eu-north-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  models                 = ["KBLab/kb-whisper-small"]
  unrecorded_models      = ["example/one", "example/two"]
  retention_days         = 30
  longest_retention_days = 365
}

run "api" {
  command = apply

  module {
    source = "./modules/api"
  }

  assert {
    condition     = local.environment.UNRECORDED_MODELS == "example/one,example/two"
    error_message = "It would not know which models no machine may fetch."
  }

  assert {
    condition = alltrue(flatten([
      for statement in data.aws_iam_policy_document.this.statement : [
        for action in statement.actions :
        !startswith(action, "ec2:") && !endswith(action, "*") && !contains(["dynamodb:Scan", "kms:Decrypt"], action)
      ]
    ]))
    error_message = "The API may do what its code must never do."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.this.statement : statement.resources == toset(["${var.bucket_arn}/uploads/*"])
      if length(setintersection(statement.actions, ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"])) > 0
    ])
    error_message = "An upload could be looked at or be given up outside uploads/."
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.this.statement : statement.resources if contains(statement.actions, "s3:PutObject")
    ])) == toset(["${var.bucket_arn}/uploads/*", "${var.bucket_arn}/results/*/corrections/*"])
    error_message = "The API could write more than uploads and corrections."
  }

  assert {
    condition     = local.environment.MAX_UPLOAD_GB == "50"
    error_message = "It would not know how large an upload in parts may be."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.this.statement :
      anytrue([for condition in statement.condition : condition.variable == "dynamodb:LeadingKeys" && !contains(condition.values, "SLOT") && !contains(condition.values, "*")])
      if contains(statement.actions, "dynamodb:UpdateItem")
    ])
    error_message = "The API could touch the machines' slots."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.this.statement :
      anytrue([for condition in statement.condition : condition.test == "StringEquals" && condition.variable == "dynamodb:Select" && join(",", condition.values) == "COUNT"])
      if contains(statement.resources, "${var.table_arn}/index/due")
    ])
    error_message = "The API could read what is in the queue, all clients' parts, where it may only count them."
  }

  assert {
    condition     = aws_apigatewayv2_stage.default.default_route_settings[0].throttling_rate_limit == 50
    error_message = "The API is not throttled."
  }

  assert {
    condition     = !contains(keys(local.environment), "WEBHOOK_ALLOW_PRIVATE")
    error_message = "Webhooks could be posted into private networks."
  }
}

run "api_with_its_page" {
  command = apply

  module {
    source = "./modules/api"
  }

  assert {
    condition     = keys(aws_apigatewayv2_route.page) == ["GET /", "GET /page/{proxy+}"] && local.environment.PAGE == "true"
    error_message = "The page cannot be reached."
  }

  assert {
    condition     = toset([for permission in aws_lambda_permission.page : trimprefix(permission.source_arn, aws_apigatewayv2_api.this.execution_arn)]) == toset(["/*/GET/", "/*/GET/page/{proxy+}"])
    error_message = "The gateway may not ask the function for the page, or may ask it for more."
  }
}

run "api_without_its_page" {
  command = apply

  module {
    source = "./modules/api"
  }

  variables {
    page_enabled = false
  }

  assert {
    condition     = length(aws_apigatewayv2_route.page) == 0 && length(aws_lambda_permission.page) == 0 && local.environment.PAGE == "false"
    error_message = "There is a page at ${aws_apigatewayv2_api.this.api_endpoint}."
  }
}

run "api_that_tells_nobody_of_a_registration" {
  command = apply

  module {
    source = "./modules/api"
  }

  variables {
    queue_url = "https://sqs.eu-north-1.amazonaws.com/123456789012/uploads"
    queue_arn = "arn:aws:sqs:eu-north-1:123456789012:uploads"
  }

  assert {
    condition = local.environment.EARLY_LAUNCH_QUEUE_URL == "" && !anytrue([
      for statement in data.aws_iam_policy_document.this.statement : anytrue([for action in statement.actions : startswith(action, "sqs:")])
    ])
    error_message = "Without launch_at_registration the API could send to the queue."
  }
}

run "api_that_tells_of_registrations" {
  command = apply

  module {
    source = "./modules/api"
  }

  variables {
    launch_at_registration = true
    queue_url              = "https://sqs.eu-north-1.amazonaws.com/123456789012/uploads"
    queue_arn              = "arn:aws:sqs:eu-north-1:123456789012:uploads"
  }

  assert {
    condition     = local.environment.EARLY_LAUNCH_QUEUE_URL == var.queue_url
    error_message = "It would not know where to tell of a registration."
  }

  assert {
    condition = [
      for statement in data.aws_iam_policy_document.this.statement : [statement.actions, statement.resources]
      if anytrue([for action in statement.actions : startswith(action, "sqs:") || startswith(action, "ec2:")])
    ] == [[toset(["sqs:SendMessage"]), toset([var.queue_arn])]]
    error_message = "It could do more about machines than send to the one queue."
  }
}
