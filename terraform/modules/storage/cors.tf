# For the API's own page, and for pages of a website, that upload and download through presigned links.
resource "aws_s3_bucket_cors_configuration" "this" {
  count = length(var.cors_origins) > 0 ? 1 : 0

  bucket = aws_s3_bucket.this.id

  cors_rule {
    allowed_origins = var.cors_origins
    allowed_methods = ["GET", "HEAD", "POST", "PUT"]
    allowed_headers = ["*"]
    expose_headers  = ["ETag", "x-amz-id-2", "x-amz-request-id"]
    max_age_seconds = 3600
  }
}
