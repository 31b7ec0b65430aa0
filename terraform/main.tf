# Wires the modules together. Each module says what it is for; names.tf and packages.tf hold what is worked out first.
module "network" {
  source = "./modules/network"

  name       = var.deployment
  cidr_block = var.cidr_block
  zones      = var.zones
  vpc_id     = var.vpc_id
  subnet_ids = var.subnet_ids
}

module "storage" {
  source = "./modules/storage"

  name                   = local.bucket_name
  retention_days         = var.retention_days
  longest_retention_days = local.longest_retention_days
  cors_origins           = concat(var.cors_origins, local.page_origins)
  deletion_protection    = var.deletion_protection
}

module "jobs_table" {
  source = "./modules/jobs_table"

  name                = local.table_name
  deletion_protection = var.deletion_protection
}

module "webhook_key" {
  source = "./modules/webhook_key"

  name                = var.deployment
  deletion_protection = var.deletion_protection
}

module "gpu_worker" {
  source = "./modules/gpu_worker"

  name                        = local.name
  deployment                  = var.deployment
  instance_types              = var.instance_types
  zones                       = module.network.zones
  security_group_id           = module.network.security_group_id
  image_parameter             = var.image_parameter
  user_data                   = var.user_data
  root_volume_gib             = var.root_volume_gib
  volume_initialization_mibps = var.volume_initialization_mibps
  ebs_key_arn                 = var.ebs_key_arn
  session_manager             = var.session_manager
  artifact_path               = local.worker_artifact
  models_lock_path            = local.models_lock
  table_name                  = module.jobs_table.table_name
  table_arn                   = module.jobs_table.table_arn
  bucket_name                 = module.storage.bucket_name
  bucket_arn                  = module.storage.bucket_arn
  key_arn                     = module.webhook_key.key_arn
  public_url                  = local.public_url
  models                      = var.models
  retention_days              = var.retention_days
  max_lifetime_minutes        = var.max_lifetime_minutes
  idle_seconds                = var.idle_seconds
  max_audio_hours             = var.max_audio_hours
  compute_type                = var.compute_type
  tags                        = local.tags
  role_path                   = var.role_path
  permissions_boundary_arn    = var.permissions_boundary_arn
  log_level                   = var.log_level
  log_retention_days          = var.log_retention_days
}

module "orchestrator" {
  source = "./modules/orchestrator"

  name                     = local.name
  deployment               = var.deployment
  function_name            = "${local.functions}ProcessUpload"
  zip_path                 = local.orchestrator_zip
  table_name               = module.jobs_table.table_name
  table_arn                = module.jobs_table.table_arn
  bucket_name              = module.storage.bucket_name
  bucket_arn               = module.storage.bucket_arn
  key_arn                  = module.webhook_key.key_arn
  public_url               = local.public_url
  models                   = var.models
  unrecorded_models        = local.unavailable_models
  launch_templates         = module.gpu_worker.launch_templates
  worker_role_arn          = module.gpu_worker.role_arn
  worker_log_group         = module.gpu_worker.log_group_name
  security_group_id        = module.network.security_group_id
  subnet_ids               = module.network.subnet_ids
  instance_types           = module.gpu_worker.instance_types
  ebs_key_arn              = var.ebs_key_arn
  image_parameter          = module.gpu_worker.image_parameter
  fallback_image_parameter = var.fallback_image_parameter
  max_workers              = var.max_workers
  on_demand_after_minutes  = var.on_demand_after_minutes
  launch_at_registration   = var.launch_at_registration
  max_lifetime_minutes     = var.max_lifetime_minutes
  warm_hours               = var.warm_hours
  warm_zone                = var.warm_zone
  retention_days           = var.retention_days
  role_path                = var.role_path
  permissions_boundary_arn = var.permissions_boundary_arn
  log_level                = var.log_level
  log_retention_days       = var.log_retention_days
}

module "api" {
  source = "./modules/api"
  count  = var.api_enabled ? 1 : 0

  name                     = local.name
  deployment               = var.deployment
  function_name            = "${local.functions}API"
  zip_path                 = local.api_zip
  table_name               = module.jobs_table.table_name
  table_arn                = module.jobs_table.table_arn
  bucket_name              = module.storage.bucket_name
  bucket_arn               = module.storage.bucket_arn
  key_arn                  = module.webhook_key.key_arn
  models                   = var.models
  unrecorded_models        = local.unavailable_models
  max_upload_gb            = var.max_upload_gb
  retention_days           = var.retention_days
  longest_retention_days   = local.longest_retention_days
  requests_per_second      = var.requests_per_second
  cors_origins             = var.cors_origins
  page_enabled             = var.page_enabled
  domain_name              = var.domain_name
  certificate_arn          = var.certificate_arn
  role_path                = var.role_path
  permissions_boundary_arn = var.permissions_boundary_arn
  log_level                = var.log_level
  log_retention_days       = var.log_retention_days

  launch_at_registration = var.launch_at_registration
  queue_url              = module.orchestrator.queue_url
  queue_arn              = module.orchestrator.queue_arn
}

module "observability" {
  source = "./modules/observability"

  name                   = local.name
  deployment             = var.deployment
  stalled_minutes        = var.stalled_minutes
  failed_jobs_an_hour    = var.failed_jobs_an_hour
  alarm_email            = var.alarm_email
  daily_budget_usd       = var.daily_budget_usd
  queue_name             = module.orchestrator.queue_name
  dead_letter_queue_name = module.orchestrator.dead_letter_queue_name
  function_names         = concat([module.orchestrator.function_name], module.api[*].function_name)
  table_name             = module.jobs_table.table_name
  index_names            = module.jobs_table.index_names

  orchestrator_log_group_name = module.orchestrator.log_group_name
}
