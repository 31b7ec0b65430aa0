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
    namespace = var.deployment
    name      = each.key
    value     = "1"
    unit      = "Count"
  }
}
