# These count what only the orchestrator's log tells. A metric without data costs nothing, so no zeros are written.
locals {
  log_metrics = {
    BreakerOpened  = "breaker.opened"
    UploadsIgnored = "intake.ignored"
  }
}

resource "aws_cloudwatch_log_metric_filter" "orchestrator" {
  for_each = local.log_metrics

  name           = each.key
  log_group_name = var.orchestrator_log_group_name
  pattern        = "{ $.event = \"${each.value}\" }"

  metric_transformation {
    namespace = var.name
    name      = each.key
    value     = "1"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_metric_alarm" "breaker" {
  alarm_name          = "${var.name}-breaker-opened"
  alarm_description   = "Three machines in a row started and never reported, so launching pauses for half an hour; jobs wait and say so. Read the worker's log and the machine's console output (aws ec2 get-console-output); after mending the image the next machine closes the breaker."
  namespace           = var.name
  metric_name         = aws_cloudwatch_log_metric_filter.orchestrator["BreakerOpened"].metric_transformation[0].name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
