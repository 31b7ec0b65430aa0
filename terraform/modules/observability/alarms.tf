# All alarms, by their name. What they watch is in alarms_of_work.tf (the deployment's own metrics) and alarms_of_aws.tf
# (AWS's). Each description says what the alarm means and which command shows more, because the e-mail holds no other
# advice. docs/operations.md has a section for each.
locals {
  usual = {
    dimensions  = {}
    statistic   = "Sum"
    period      = 300
    periods     = 1
    comparison  = "GreaterThanThreshold"
    threshold   = 0
    unless_told = "notBreaching"
  }

  alarms = {
    for name, alarm in merge(local.work_alarms, local.queue_alarms, local.function_alarms, local.table_alarms) :
    name => merge(local.usual, alarm)
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = each.value.unless_told
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
