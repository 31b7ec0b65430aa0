# Machines that start from AWS's public image need the wheel, its pinned requirements and the boot scripts. The artifact
# holds all.
resource "aws_s3_object" "artifact" {
  #checkov:skip=CKV_AWS_186:encrypted like everything in the bucket
  bucket = var.bucket_name
  key    = var.artifact_key
  source = var.artifact_path
  # An etag would not do: the provider uploads so large a file in parts, and then S3's etag is no digest of the whole.
  source_hash = fileexists(var.artifact_path) ? filebase64sha256(var.artifact_path) : null

  # S3 takes ten tags of an object, and an operator may have set more.
  override_provider {
    default_tags {
      tags = {}
    }
  }

  lifecycle {
    precondition {
      condition     = fileexists(var.artifact_path)
      error_message = "The worker's artifact ${var.artifact_path} is missing: run `./nox -s package` first, or set worker_artifact to the file of a release."
    }
  }
}

# The lock says what a machine may fetch from the hub, and by which digests. A machine reads it when it needs it, so an
# old image knows new models too.
resource "aws_s3_object" "models_lock" {
  #checkov:skip=CKV_AWS_186:encrypted like everything in the bucket
  bucket       = var.bucket_name
  key          = "artifacts/models.lock.json"
  source       = var.models_lock_path
  content_type = "application/json"
  etag         = fileexists(var.models_lock_path) ? filemd5(var.models_lock_path) : null

  # S3 takes ten tags of an object, and an operator may have set more.
  override_provider {
    default_tags {
      tags = {}
    }
  }

  lifecycle {
    precondition {
      condition     = fileexists(var.models_lock_path)
      error_message = "The lock of models ${var.models_lock_path} is missing: take packer/models.lock.json from the repository, or set models_lock to the file of a release."
    }
  }
}
