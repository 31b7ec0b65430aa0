# One bucket holds uploads, results, and what machines need on the way. It is not versioned, so that what is erased is
# gone; results need no versions, because no key of theirs is written twice.
resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_21:not versioned, so that erasing a job erases its recording
  #checkov:skip=CKV_AWS_18:access logs would cost more than the storage; CloudTrail data events can be added by who needs them
  #checkov:skip=CKV_AWS_144:recordings stay in one region on purpose
  #checkov:skip=CKV_AWS_145:SSE-S3 keeps presigned links usable without rights to a key
  #checkov:skip=CKV2_AWS_62:the notification stands beside the queue and the function it calls, in modules/orchestrator
  bucket        = var.name
  force_destroy = !var.deletion_protection
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}
