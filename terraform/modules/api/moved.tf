# Up to version 0.1.0 this module held its function itself. With these, an existing deployment keeps what it has.
moved {
  from = aws_lambda_function.this
  to   = module.function.aws_lambda_function.this
}

moved {
  from = aws_cloudwatch_log_group.function
  to   = module.function.aws_cloudwatch_log_group.this
}

moved {
  from = aws_iam_role.this
  to   = module.function.aws_iam_role.this
}

moved {
  from = aws_iam_role_policy.this
  to   = module.function.aws_iam_role_policy.this
}

# Up to version 0.1.0 one route took every method.
moved {
  from = aws_apigatewayv2_route.all
  to   = aws_apigatewayv2_route.this["GET"]
}
