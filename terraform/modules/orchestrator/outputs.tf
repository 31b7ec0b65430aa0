output "function_name" {
  description = "The function's name."
  value       = module.function.function_name
}

output "role_name" {
  description = "The function's role."
  value       = module.function.role_name
}

output "max_concurrency" {
  description = "Most calls at once that the queue makes."
  value       = var.max_concurrency
}

output "queue_name" {
  description = "The uploads' queue."
  value       = aws_sqs_queue.uploads.name
}

output "dead_letter_queue_name" {
  description = "The queue of uploads that failed five times."
  value       = aws_sqs_queue.dead_letters.name
}

output "log_group_name" {
  description = "Where the function writes its log."
  value       = module.function.log_group_name
}

output "sweep_rule" {
  description = "The schedule's name."
  value       = aws_cloudwatch_event_rule.sweep.name
}
