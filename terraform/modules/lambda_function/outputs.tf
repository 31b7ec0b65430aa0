output "function_name" {
  description = "The function's name. What reads it waits until the function exists."
  value       = aws_lambda_function.this.function_name
}

output "function_arn" {
  description = "The function's ARN."
  value       = aws_lambda_function.this.arn
}

output "invoke_arn" {
  description = "The ARN by which API Gateway calls the function."
  value       = aws_lambda_function.this.invoke_arn
}

output "role_name" {
  description = "The name of the function's role, to which further policies can be attached."
  value       = aws_iam_role.this.name
}

output "log_group_name" {
  description = "The log group to which the function writes."
  value       = aws_cloudwatch_log_group.this.name
}
