# What the bucket is held to.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                   = "transcription-123456789012-eu-north-1"
  retention_days         = 45
  longest_retention_days = 400
  deletion_protection    = false
}

run "bucket" {
  command = apply

  module {
    source = "./modules/storage"
  }

  assert {
    condition = anytrue([
      for statement in data.aws_iam_policy_document.tls_only.statement :
      statement.effect == "Deny" && contains(statement.actions, "s3:*") && contains(statement.resources, "${aws_s3_bucket.this.arn}/*") &&
      anytrue([for condition in statement.condition : condition.variable == "aws:SecureTransport" && contains(condition.values, "false")]) &&
      anytrue([for principal in statement.principals : contains(principal.identifiers, "*")])
    ])
    error_message = "The bucket can be reached without TLS."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "The bucket can be made public."
  }

  assert {
    condition = alltrue([
      for prefix, days in { "uploads/" = 400, "results/" = 400, "work/" = 45 } : anytrue([
        for rule in aws_s3_bucket_lifecycle_configuration.this.rule :
        rule.status == "Enabled" && try(rule.filter[0].prefix == prefix && rule.expiration[0].days == days, false)
      ])
    ])
    error_message = "Something does not expire when it should."
  }

  assert {
    condition = !anytrue([
      for rule in aws_s3_bucket_lifecycle_configuration.this.rule :
      length(rule.expiration) > 0 && !contains(["uploads/", "results/", "work/"], try(rule.filter[0].prefix, ""))
    ])
    error_message = "Models or artifacts would expire."
  }

  assert {
    condition     = length(aws_s3_bucket_cors_configuration.this) == 0
    error_message = "Pages of other origins were let in without being asked for."
  }
}

run "cors" {
  command = apply

  module {
    source = "./modules/storage"
  }

  variables {
    cors_origins = ["https://app.example.com", "http://localhost:5173", "http://127.0.0.1:8080"]
  }

  assert {
    condition     = one(aws_s3_bucket_cors_configuration.this[0].cors_rule).allowed_origins == toset(["https://app.example.com", "http://localhost:5173", "http://127.0.0.1:8080"])
    error_message = "CORS lets in others than asked for."
  }
}
