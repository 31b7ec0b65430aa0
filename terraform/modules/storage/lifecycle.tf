locals {
  # work/ holds plans, part audio and checkpoints of jobs that are not done, so it must outlive the longest wait for a
  # machine.
  expiring = ["uploads/", "results/", "work/"]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  #checkov:skip=CKV_AWS_300:the last rule does; the check reads no further than the dynamic block
  bucket = aws_s3_bucket.this.id

  dynamic "rule" {
    for_each = local.expiring

    content {
      id     = "expire-${trimsuffix(rule.value, "/")}"
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      expiration {
        days = var.retention_days
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
