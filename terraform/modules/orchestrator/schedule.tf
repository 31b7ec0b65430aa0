# The sweep runs once a minute, which is the shortest rate that EventBridge offers. Nothing that is overdue stays
# unnoticed longer.
resource "aws_cloudwatch_event_rule" "sweep" {
  name                = "${var.name}-sweep"
  description         = "Once a minute, see to what is overdue"
  schedule_expression = "rate(1 minute)"
  # `transcribe cleanup --before-destroy` switches the rule off. Because this is set, an apply switches it on again.
  state = "ENABLED"
}

resource "aws_cloudwatch_event_target" "sweep" {
  rule  = aws_cloudwatch_event_rule.sweep.name
  arn   = module.function.function_arn
  input = jsonencode({ kind = "sweep" })
}

resource "aws_lambda_permission" "sweep" {
  statement_id  = "sweep"
  action        = "lambda:InvokeFunction"
  function_name = module.function.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.sweep.arn
}

# A sweep that failed is not repeated, because the next one comes sooner and sees newer data.
resource "aws_lambda_function_event_invoke_config" "sweep" {
  function_name                = module.function.function_name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}
