output "table_name" {
  description = "The table's name."
  value       = aws_dynamodb_table.this.name
}

output "table_arn" {
  description = "The table's ARN; its indexes lie below it."
  value       = aws_dynamodb_table.this.arn
}

output "index_names" {
  description = "The names of its indexes."
  value       = aws_dynamodb_table.this.global_secondary_index[*].name
}
