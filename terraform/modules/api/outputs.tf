output "url" {
  description = "The API's address, without /api."
  value       = local.url
}

output "function_name" {
  description = "The function's name."
  value       = module.function.function_name
}

output "role_name" {
  description = "The name of the function's role."
  value       = module.function.role_name
}

output "domain_target" {
  description = "Host name at which the DNS record of domain_name must point. Empty if there is no domain_name."
  value       = var.domain_name == "" ? "" : aws_apigatewayv2_domain_name.this[0].domain_name_configuration[0].target_domain_name
}
