output "deployment" {
  description = "The deployment's name, which is the value of its machines' tag `transcribe-deployment`."
  value       = var.deployment
}

output "region" {
  description = "The region of everything."
  value       = var.region
}

output "sweep_rule" {
  description = "The schedule that drives the orchestrator once a minute."
  value       = module.orchestrator.sweep_rule
}

output "api_url" {
  description = "Where the API answers; its operations lie below /api. Empty where it was left out."
  value       = local.public_url
}

output "api_domain_target" {
  description = "What a DNS record for domain_name must point at; empty without one."
  value       = var.api_enabled ? module.api[0].domain_target : ""
}

output "bucket_name" {
  description = "The bucket; put recordings below uploads/."
  value       = module.storage.bucket_name
}

output "table_name" {
  description = "The jobs table."
  value       = module.jobs_table.table_name
}

output "key_arn" {
  description = "KMS key of the webhook secrets, for registering callbacks where the API was left out."
  value       = module.webhook_key.key_arn
}

output "function_names" {
  description = "The functions."
  value       = concat([module.orchestrator.function_name], module.api[*].function_name)
}

output "queue_names" {
  description = "The uploads' queue and its dead letters."
  value       = [module.orchestrator.queue_name, module.orchestrator.dead_letter_queue_name]
}

output "launch_template_id" {
  description = "The machines' launch template."
  value       = module.gpu_worker.launch_template_id
}

output "image_parameter" {
  description = "SSM parameter to write the id of a newly built image to; `none` means AWS's public image."
  value       = module.gpu_worker.image_parameter
}

output "config_parameter" {
  description = "SSM parameter from which machines read their settings."
  value       = module.gpu_worker.config_parameter
}

output "session_manager" {
  description = "Whether a shell may be opened on machines, for which an image has to keep the agent."
  value       = var.session_manager
}

output "role_names" {
  description = "Each service's role."
  value = merge(
    {
      orchestrator = module.orchestrator.role_name
      gpu_worker   = module.gpu_worker.role_name
    },
    var.api_enabled ? { api = module.api[0].role_name } : {},
  )
}

output "alarm_topic_arn" {
  description = "SNS topic of the alarms."
  value       = module.observability.topic_arn
}

output "dashboard_name" {
  description = "The dashboard in CloudWatch."
  value       = module.observability.dashboard_name
}
