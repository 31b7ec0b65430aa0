output "function_name" {
  description = "The function's name."
  value       = module.function.function_name
}

output "role_name" {
  description = "The name of the function's role."
  value       = module.function.role_name
}

output "max_concurrency" {
  description = "The most calls that the queue makes at once."
  value       = var.max_concurrency
}

output "queue_name" {
  description = "The name of the queue in which uploads wait."
  value       = aws_sqs_queue.uploads.name
}

output "queue_url" {
  description = "The URL of that queue, for whoever sends to it."
  value       = aws_sqs_queue.uploads.url
}

output "queue_arn" {
  description = "The ARN of that queue, for whoever may send to it."
  value       = aws_sqs_queue.uploads.arn
}

output "dead_letter_queue_name" {
  description = "The name of the queue that keeps uploads which failed to be taken in five times."
  value       = aws_sqs_queue.dead_letters.name
}

output "log_group_name" {
  description = "The log group to which the function writes."
  value       = module.function.log_group_name
}

output "sweep_rule" {
  description = "The name of the schedule that calls the function once a minute."
  value       = aws_cloudwatch_event_rule.sweep.name
}
