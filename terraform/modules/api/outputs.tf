output "url" {
  description = "Where the API answers, without /api."
  value       = local.url
}

output "function_name" {
  description = "The function's name."
  value       = module.function.function_name
}

output "role_name" {
  description = "The function's role."
  value       = module.function.role_name
}

output "domain_target" {
  description = "What a DNS record for the custom domain must point at; empty without one."
  value       = var.domain_name == "" ? "" : aws_apigatewayv2_domain_name.this[0].domain_name_configuration[0].target_domain_name
}
