# Each description says what the alarm means and what to do, because the e-mail holds no other advice.
locals {
  queue_alarms = {
    uploads-wait = {
      metric      = "ApproximateAgeOfOldestMessage"
      queue       = var.queue_name
      threshold   = 900
      description = "An upload has waited 15 minutes to be taken in. Look at the orchestrator's log for errors and at its throttles; the uploads are safe in the queue."
    }
    uploads-set-aside = {
      metric      = "ApproximateNumberOfMessagesVisible"
      queue       = var.dead_letter_queue_name
      threshold   = 0
      description = "An upload failed to be taken in five times and was set aside. Find the reason in the orchestrator's log, mend it, then redrive the dead letter queue from the SQS console."
    }
  }

  function_alarms = merge([
    for function in var.function_names : {
      "${function}-errors" = {
        metric      = "Errors"
        function    = function
        description = "${function} failed at least three times in five minutes. Its log says why; what it was doing is taken up again by the sweep or by SQS."
      }
      "${function}-throttles" = {
        metric      = "Throttles"
        function    = function
        description = "${function} was refused for want of concurrency. Raise the account's Lambda concurrency quota, or find what else uses it up."
      }
    }
  ]...)

  table_alarms = {
    for metric in ["ReadThrottleEvents", "WriteThrottleEvents"] : "table-${lower(trimsuffix(metric, "ThrottleEvents"))}-throttles" => {
      metric      = metric
      description = "DynamoDB slowed the jobs table down. On-demand tables adapt within minutes; if it lasts, look for a client that polls without pause."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "queue" {
  for_each = local.queue_alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/SQS"
  metric_name         = each.value.metric
  dimensions          = { QueueName = each.value.queue }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "function" {
  for_each = local.function_alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  dimensions          = { FunctionName = each.value.function }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "table" {
  for_each = local.table_alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/DynamoDB"
  metric_name         = each.value.metric
  dimensions          = { TableName = var.table_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = 10
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
