# What every function of ours has, and what modules/lambda_function refuses.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name               = "transcription-eu-north-1"
  service            = "example"
  function_name      = "TranscriptionExample"
  description        = "An example"
  role_description   = "Example of transcription"
  handler            = "services.example.handler.handler"
  zip_path           = "./main.tf"
  timeout_seconds    = 29
  environment        = { TABLE_NAME = "transcription-jobs" }
  policy             = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  log_retention_days = 14

  role_path                = "/applications/"
  permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
}

run "a_function_may_write_its_own_log_and_what_its_policy_says" {
  command = apply

  module {
    source = "./modules/lambda_function"
  }

  assert {
    condition     = aws_iam_role.this.path == "/applications/" && aws_iam_role.this.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"
    error_message = "The account would refuse the function's role."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.this.statement :
      statement.actions == toset(["logs:CreateLogStream", "logs:PutLogEvents"]) &&
      statement.resources == toset(["${aws_cloudwatch_log_group.this.arn}:*"])
    ])
    error_message = "It could do more than write its own log."
  }

  assert {
    condition     = data.aws_iam_policy_document.this.source_policy_documents == tolist([var.policy])
    error_message = "What its policy allows is lost."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/lambda/TranscriptionExample" && aws_cloudwatch_log_group.this.retention_in_days == 14
    error_message = "Lambda would make a log group of its own, which is kept for ever."
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables == tomap(var.environment) && aws_lambda_function.this.timeout == 29
    error_message = "It is not told what it was given, or may not take as long."
  }

  assert {
    condition     = can(regex("^An example \\([0-9][^ ]*\\)$", aws_lambda_function.this.description))
    error_message = "Nobody could see of which release it is."
  }
}

run "missing_zip" {
  command = plan

  module {
    source = "./modules/lambda_function"
  }

  variables {
    zip_path = "./no-such-file.zip"
  }

  expect_failures = [aws_lambda_function.this]
}
