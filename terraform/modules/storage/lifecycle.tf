locals {
  # Correcting a text keeps its recording and its results for longer, which no rule can know. The orchestrator deletes
  # what belongs to no job any more; for uploads/ and results/, these rules are the last resort. work/ holds plans, part
  # audio and checkpoints of jobs that are not done, so it must outlive the longest wait for a machine.
  expiring = {
    "uploads/" = var.longest_retention_days
    "results/" = var.longest_retention_days
    "work/"    = var.retention_days
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  #checkov:skip=CKV_AWS_300:the last rule does; the check reads no further than the dynamic block
  bucket = aws_s3_bucket.this.id

  dynamic "rule" {
    for_each = local.expiring

    content {
      id     = "expire-${trimsuffix(rule.key, "/")}"
      status = "Enabled"

      filter {
        prefix = rule.key
      }

      expiration {
        days = rule.value
      }
    }
  }

  rule {
    id     = "abort-multiparts"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }
}
