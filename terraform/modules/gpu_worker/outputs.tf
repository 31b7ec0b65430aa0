output "launch_templates" {
  description = "The launch templates' ids and ARNs, by market: `spot` and `on-demand`."
  value       = { for market, template in aws_launch_template.this : market => { id = template.id, arn = template.arn } }
}

output "role_arn" {
  description = "ARN of the machines' role, which the orchestrator hands to them at launch."
  value       = aws_iam_role.this.arn
}

output "role_name" {
  description = "The name of that role."
  value       = aws_iam_role.this.name
}

output "instance_types" {
  description = "Those of the wanted types that at least one of the zones offers."
  value       = [for type in var.instance_types : type if contains(local.offered, type)]
}

output "image_parameter" {
  description = "Name of the SSM parameter that holds the id of the machine image."
  value       = var.image_parameter == "" ? aws_ssm_parameter.image[0].name : var.image_parameter
}

output "config_parameter" {
  description = "SSM parameter that holds the machines' settings."
  value       = aws_ssm_parameter.config.name
}

output "log_group_name" {
  description = "The log group to which machines write."
  value       = aws_cloudwatch_log_group.worker.name
}
