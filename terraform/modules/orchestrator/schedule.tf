# The sweep, once a minute: the finest that EventBridge offers, and what bounds how long anything stays unnoticed.
resource "aws_cloudwatch_event_rule" "sweep" {
  name                = "${var.name}-sweep"
  description         = "Once a minute, see to what is overdue"
  schedule_expression = "rate(1 minute)"
  # Said here so that an apply switches it on again after `tools/end_machines.py`.
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

# A sweep that failed is not repeated: the next one comes sooner and knows more.
resource "aws_lambda_function_event_invoke_config" "sweep" {
  function_name                = module.function.function_name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}
