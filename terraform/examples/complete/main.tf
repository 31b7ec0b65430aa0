# A newsroom's deployment, with what an operator may want to decide. To keep the state in S3, with a lock beside it,
# make a bucket once by hand, name it here, and remove the comment signs.
terraform {
  required_version = ">= 1.10"

  # backend "s3" {
  #   bucket       = "example-terraform-state"
  #   key          = "gpu-transcriber.tfstate"
  #   region       = "eu-north-1"
  #   use_lockfile = true
  # }
}

module "transcriber" {
  source = "../.."

  region                  = "eu-north-1"
  deployment              = "newsroom"
  max_workers             = 6
  alarm_email             = "operations@example.com"
  on_demand_after_minutes = 20
  launch_at_registration  = true
  retention_days          = 90
  longest_retention_days  = 730

  zones                       = ["eu-north-1a", "eu-north-1b"]
  instance_types              = ["g4dn.xlarge", "g5.xlarge"]
  models                      = ["KBLab/kb-whisper-small", "KBLab/kb-whisper-small@subtitle"]
  max_lifetime_minutes        = 360
  volume_initialization_mibps = 200
  idle_seconds                = 120

  warm_hours = [
    { days = ["mon", "tue", "wed", "thu", "fri"], from = "08:00", to = "18:00", machines = 1 },
    { days = ["sun"], from = "17:00", to = "21:00", machines = 2 },
  ]
  warm_zone = "Europe/Stockholm"

  tags                     = { cost-center = "4711", owner = "newsroom" }
  role_path                = "/applications/"
  permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"

  cors_origins        = ["https://newsroom.example.com"]
  requests_per_second = 20
  daily_budget_usd    = 15
  log_retention_days  = 90
}

output "api_url" {
  description = "Where the API answers."
  value       = module.transcriber.api_url
}

output "bucket_name" {
  description = "Put recordings below uploads/ in this bucket."
  value       = module.transcriber.bucket_name
}

output "image_parameter" {
  description = "Write the id of a newly built image here."
  value       = module.transcriber.image_parameter
}
