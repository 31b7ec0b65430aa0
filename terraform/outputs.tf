output "deployment" {
  description = "The deployment's name, which is the value of its machines' tag `transcribe-deployment`."
  value       = var.deployment
}

output "region" {
  description = "The region in which everything lies."
  value       = var.region
}

output "sweep_rule" {
  description = "The name of the schedule that calls the orchestrator once a minute."
  value       = module.orchestrator.sweep_rule
}

output "api_url" {
  description = "The API's address, for TRANSCRIBE_URL; its operations lie below /api. Empty if there is no API."
  value       = local.public_url
}

output "api_domain_target" {
  description = "Host name at which the DNS record of domain_name must point. Empty if there is no domain_name."
  value       = var.api_enabled ? module.api[0].domain_target : ""
}

output "bucket_name" {
  description = "The bucket's name. Put recordings below uploads/."
  value       = module.storage.bucket_name
}

output "table_name" {
  description = "The jobs table's name."
  value       = module.jobs_table.table_name
}

output "key_arn" {
  description = "KMS key that encrypts webhook secrets. The command line needs it to register callbacks."
  value       = module.webhook_key.key_arn
}

output "function_names" {
  description = "The functions' names."
  value       = concat([module.orchestrator.function_name], module.api[*].function_name)
}

output "queue_names" {
  description = "The names of the queue in which uploads wait and of its dead letters."
  value       = [module.orchestrator.queue_name, module.orchestrator.dead_letter_queue_name]
}

output "launch_template_id" {
  description = "Id of the launch template of on-demand machines."
  value       = module.gpu_worker.launch_templates["on-demand"].id
}

output "spot_launch_template_id" {
  description = "Id of the launch template of spot machines."
  value       = module.gpu_worker.launch_templates["spot"].id
}

output "image_parameter" {
  description = "Name of the SSM parameter that holds the id of the machine image. Write the id of a newly built image into it; `none` means AWS's public image."
  value       = module.gpu_worker.image_parameter
}

output "config_parameter" {
  description = "SSM parameter from which machines read their settings."
  value       = module.gpu_worker.config_parameter
}

output "session_manager" {
  description = "Whether an operator may open a shell on a machine through Session Manager. If so, an image has to keep its agent."
  value       = var.session_manager
}

output "tags" {
  description = "The tags that all has which is made or launched here. The build of an image gives them to its machine and to the image too."
  value       = local.tags
}

output "role_names" {
  description = "The name of each service's role."
  value = merge(
    {
      orchestrator = module.orchestrator.role_name
      gpu_worker   = module.gpu_worker.role_name
    },
    var.api_enabled ? { api = module.api[0].role_name } : {},
  )
}

output "daily_ceiling_usd" {
  description = "The most that the machines cost in a day, in US dollars: `spot` by the spot prices of November 2026, `on_demand` whatever the spot prices become. Null outside eu-north-1, or if the price of a listed type is not known."
  value       = local.ceilings
}

output "alarm_topic_arn" {
  description = "SNS topic of the alarms."
  value       = module.observability.topic_arn
}

output "dashboard_name" {
  description = "The dashboard in CloudWatch."
  value       = module.observability.dashboard_name
}
