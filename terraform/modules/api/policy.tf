# What the API may do, apart from writing its log.
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
      values   = ["JOB#*", "CLIENT#*", "KEY#*", "IDEMPOTENCY#*"]
    }
  }

  statement {
    sid       = "ListJobsAndEvents"
    actions   = ["dynamodb:Query"]
    resources = ["${var.table_arn}/index/by_client"]
  }

  # A queued job's place in the queue: how many parts are before it, and nothing that is in them.
  statement {
    sid       = "CountTheQueue"
    actions   = ["dynamodb:Query"]
    resources = ["${var.table_arn}/index/due"]

    condition {
      test     = "StringEquals"
      variable = "dynamodb:Select"
      values   = ["COUNT"]
    }

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["queued"]
    }
  }

  # A presigned link has the rights of the role that signed it. This one is also what an upload in parts is begun and
  # completed with.
  statement {
    sid       = "SignUploads"
    actions   = ["s3:PutObject"]
    resources = ["${var.bucket_arn}/uploads/*"]
  }

  # What of an upload in parts has come, and the end of one that is canceled, erased or not what was announced.
  statement {
    sid       = "KeepTrackOfParts"
    actions   = ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = ["${var.bucket_arn}/uploads/*"]
  }

  # Links to the announced files, to peaks and to listening copies; the words of which other versions of a transcript are
  # made, and corrections.
  statement {
    sid       = "SignResults"
    actions   = ["s3:GetObject"]
    resources = ["${var.bucket_arn}/results/*"]
  }

  # Each correction is an object of its own beside the results, which nothing may write but the worker.
  statement {
    sid       = "KeepCorrections"
    actions   = ["s3:PutObject"]
    resources = ["${var.bucket_arn}/results/*/corrections/*"]
  }

  # Links from which a recording is played. And when a job is erased, canceled or listened to, the API looks at what
  # lies at its key: S3 tells that only to whoever may read the object.
  statement {
    sid       = "SignRecordings"
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

    # IfExists is needed for reading a key that is not there: S3 then asks for this permission without a prefix, and
    # answers 403 in place of 404 if it is missing.
    condition {
      test     = "StringLikeIfExists"
      variable = "s3:prefix"
      values   = ["results/*", "work/*"]
    }
  }

  # A machine may start for it, which only the orchestrator decides: the API has no right on EC2.
  dynamic "statement" {
    for_each = var.launch_at_registration ? [1] : []

    content {
      sid       = "TellOfRegistrations"
      actions   = ["sqs:SendMessage"]
      resources = [var.queue_arn]
    }
  }

  statement {
    sid       = "SealWebhookSecrets"
    actions   = ["kms:Encrypt"]
    resources = [var.key_arn]

    # A secret is encrypted for one callback, and can be decrypted for that one only.
    condition {
      test     = "Null"
      variable = "kms:EncryptionContext:callback_id"
      values   = ["false"]
    }
  }
}
