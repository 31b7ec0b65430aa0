data "aws_region" "current" {}

locals {
  charts = [
    {
      title = "Uploads waiting"
      stat  = "Maximum"
      metrics = [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.queue_name],
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.queue_name],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.dead_letter_queue_name],
      ]
    },
    {
      title = "Function errors and throttles"
      stat  = "Sum"
      metrics = [
        for pair in setproduct(["Errors", "Throttles"], var.function_names) :
        ["AWS/Lambda", pair[0], "FunctionName", pair[1]]
      ]
    },
    {
      title   = "Uploads ignored, breaker opened"
      stat    = "Sum"
      metrics = [for metric in keys(local.log_metrics) : [var.name, metric]]
    },
    {
      title   = "Function duration (ms)"
      stat    = "p95"
      metrics = [for function in var.function_names : ["AWS/Lambda", "Duration", "FunctionName", function]]
    },
    {
      title = "Table"
      stat  = "Sum"
      metrics = [
        for metric in ["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents"] :
        ["AWS/DynamoDB", metric, "TableName", var.table_name]
      ]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [
      for index, chart in local.charts : {
        type   = "metric"
        x      = 12 * (index % 2)
        y      = 6 * floor(index / 2)
        width  = 12
        height = 6
        properties = {
          title   = chart.title
          region  = data.aws_region.current.id
          view    = "timeSeries"
          period  = 300
          stat    = chart.stat
          metrics = chart.metrics
        }
      }
    ]
  })
}
