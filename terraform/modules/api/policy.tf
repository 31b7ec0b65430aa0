# What the API may do, apart from writing its log.
data "aws_iam_policy_document" "this" {
  statement {
    sid = "OwnItems"
    actions = [
      "dynamodb:DeleteItem",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "dynamodb:UpdateItem",
    ]
    resources = [var.table_arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["JOB#*", "CLIENT#*", "KEY#*", "IDEMPOTENCY#*"]
    }
  }

  statement {
    sid       = "ListJobsAndEvents"
    actions   = ["dynamodb:Query"]
    resources = ["${var.table_arn}/index/by_client"]
  }

  # A presigned link carries the rights of the role that signed it.
  statement {
    sid       = "SignUploads"
    actions   = ["s3:PutObject"]
    resources = ["${var.bucket_arn}/uploads/*"]
  }

  statement {
    sid       = "SignResults"
    actions   = ["s3:GetObject"]
    resources = ["${var.bucket_arn}/results/*"]
  }

  # What lies at a job's key when it is erased or canceled, which S3 tells nobody without this.
  statement {
    sid       = "KnowWhatIsErased"
    actions   = ["s3:GetObject"]
    resources = ["${var.bucket_arn}/uploads/*"]
  }

  statement {
    sid       = "EraseJobs"
    actions   = ["s3:DeleteObject"]
    resources = [for prefix in ["uploads", "results", "work"] : "${var.bucket_arn}/${prefix}/*"]
  }

  statement {
    sid       = "FindWhatToErase"
    actions   = ["s3:ListBucket"]
    resources = [var.bucket_arn]

    # IfExists: reading a key that is not there asks for this permission without a prefix, and S3 answers 403
    # instead of 404 to whoever lacks it.
    condition {
      test     = "StringLikeIfExists"
      variable = "s3:prefix"
      values   = ["results/*", "work/*"]
    }
  }

  statement {
    sid       = "SealWebhookSecrets"
    actions   = ["kms:Encrypt"]
    resources = [var.key_arn]

    # Each secret is sealed for one callback, and opens for no other.
    condition {
      test     = "Null"
      variable = "kms:EncryptionContext:callback_id"
      values   = ["false"]
    }
  }
}
