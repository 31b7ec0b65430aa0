output "topic_arn" {
  description = "SNS topic of the alarms; more subscribers can be added to it."
  value       = aws_sns_topic.alarms.arn
}

output "dashboard_name" {
  description = "The dashboard's name in CloudWatch."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
