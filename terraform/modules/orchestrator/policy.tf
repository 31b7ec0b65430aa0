# What the orchestrator may do, apart from launching machines (fleet_policy.tf) and writing its log.
data "aws_iam_policy_document" "this" {
  statement {
    sid = "OwnItems"
    actions = [
      "dynamodb:ConditionCheckItem",
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
      values   = ["JOB#*", "CLIENT#*", "SLOT", "FLEET"]
    }
  }

  statement {
    sid       = "WhatIsDue"
    actions   = ["dynamodb:Query"]
    resources = ["${var.table_arn}/index/due"]
  }

  # No machine waits for a client whose last uploads never came.
  dynamic "statement" {
    for_each = var.launch_at_registration ? [1] : []

    content {
      sid       = "LookAtAClientsLatestJobs"
      actions   = ["dynamodb:Query"]
      resources = ["${var.table_arn}/index/by_client"]
    }
  }

  statement {
    sid       = "ReadUploads"
    actions   = ["s3:GetObject"]
    resources = ["${var.bucket_arn}/uploads/*"]
  }

  # After an erasure the orchestrator searches for what is left, and for what is uploaded later for the erased job.
  statement {
    sid       = "EraseJobs"
    actions   = ["s3:DeleteObject"]
    resources = [for prefix in ["uploads", "results", "work"] : "${var.bucket_arn}/${prefix}/*"]
  }

  # Of jobs that expire or were erased.
  statement {
    sid       = "GiveUpParts"
    actions   = ["s3:AbortMultipartUpload"]
    resources = ["${var.bucket_arn}/uploads/*"]
  }

  statement {
    sid       = "ListUploads"
    actions   = ["s3:ListBucket"]
    resources = [var.bucket_arn]

    # IfExists is needed for reading a key that is not there: S3 then asks for this permission without a prefix, and
    # answers 403 in place of 404 if it is missing.
    condition {
      test     = "StringLikeIfExists"
      variable = "s3:prefix"
      values   = ["uploads/*", "results/*", "work/*"]
    }
  }

  statement {
    sid       = "OpenWebhookSecrets"
    actions   = ["kms:Decrypt"]
    resources = [var.key_arn]

    # A secret is encrypted for one callback, and can be decrypted for that one only.
    condition {
      test     = "Null"
      variable = "kms:EncryptionContext:callback_id"
      values   = ["false"]
    }
  }

  statement {
    sid       = "TakeUploadsFromTheQueue"
    actions   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    resources = [aws_sqs_queue.uploads.arn]
  }

  # A machine that never reported could not say why; its console can, and is kept in the machines' log group.
  statement {
    sid       = "KeepConsoles"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${var.worker_log_group}:log-stream:*/console"]
  }
}
