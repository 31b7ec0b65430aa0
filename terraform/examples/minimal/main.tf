# All defaults: eu-north-1, at most two spot machines, and names made from account and region.
terraform {
  required_version = ">= 1.10"
}

module "transcriber" {
  source = "../.."
}

output "api_url" {
  description = "Where the API answers."
  value       = module.transcriber.api_url
}

output "bucket_name" {
  description = "Put recordings below uploads/ in this bucket."
  value       = module.transcriber.bucket_name
}
