data "aws_region" "current" {}

locals {
  # What the services measure, without and with a dimension (services/common/domain/metrics.py; a test holds this file,
  # the alarms and the code together). Of a dimension, all values are shown that there are.
  work_charts = [
    { title = "Longest wait (s)", stat = "Maximum", names = ["OldestWait", "OldestDelivery"] },
    { title = "Audio waiting (s)", stat = "Maximum", names = ["AudioWaiting"] },
    { title = "Machines", stat = "Maximum", names = ["MachinesLaunching", "MachinesRunning", "MachinesLeaving"] },
    { title = "Launches refused, by what jobs wait for", stat = "Sum", names = ["LaunchesRefused"], dimension = "Reason" },
    { title = "Jobs ended, by code", stat = "Sum", names = ["JobsEnded"], dimension = "Code" },
    { title = "Jobs failed, parts interrupted", stat = "Sum", names = ["JobsFailed", "Interruptions"] },
    {
      title = "Stages of jobs (median, s)"
      stat  = "p50"
      names = [
        "StageQueued", "StageCapacityAsked", "StageLaunched", "StageKernelUp", "StageBooted", "StageLoaded",
        "StageReady", "StageClaimed", "StageCompleted",
      ]
    },
    { title = "Speed (audio by machine time)", stat = "Average", names = ["Speed"] },
    { title = "Deliveries, by outcome", stat = "Sum", names = ["Deliveries"], dimension = "Outcome" },
    { title = "Dollars of machines that ended", stat = "Sum", names = ["Dollars"] },
    { title = "Lost, and not deleted (must be 0)", stat = "Maximum", names = ["Unaccounted", "Undeleted"] },
    { title = "Sweeps", stat = "Sum", names = ["Sweeps"] },
    { title = "Uploads ignored, breaker opened", stat = "Sum", names = keys(local.log_metrics) },
  ]

  # What AWS measures.
  aws_charts = [
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
    {
      title = "Throttled indexes"
      stat  = "Sum"
      metrics = [
        for pair in setproduct(["ReadThrottleEvents", "WriteThrottleEvents"], var.index_names) :
        ["AWS/DynamoDB", pair[0], "TableName", var.table_name, "GlobalSecondaryIndexName", pair[1]]
      ]
    },
  ]

  charts = concat(
    [
      for chart in local.work_charts : {
        title = chart.title
        stat  = chart.stat
        metrics = [
          for name in chart.names : try(
            [{ expression = "SEARCH('{${var.deployment},${chart.dimension}} MetricName=\"${name}\"', '${chart.stat}', 300)" }],
            [var.deployment, name],
          )
        ]
      }
    ],
    local.aws_charts,
  )
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
