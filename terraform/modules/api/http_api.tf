# The HTTP API in front of the function. No recordings pass through it: they go to S3 by presigned links.
resource "aws_apigatewayv2_api" "this" {
  name                         = "${var.name}-api"
  description                  = "Transcription API of ${var.deployment}"
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = var.domain_name != ""

  dynamic "cors_configuration" {
    for_each = length(var.cors_origins) > 0 ? [1] : []

    content {
      allow_origins = var.cors_origins
      allow_methods = local.methods
      allow_headers = ["authorization", "content-type", "idempotency-key", "if-match"]
      expose_headers = [
        "accept",
        "content-disposition",
        "content-encoding",
        "etag",
        "idempotent-replayed",
        "location",
        "retry-after",
        "www-authenticate",
        "x-request-id",
      ]
      max_age = 3600
    }
  }
}

resource "aws_apigatewayv2_integration" "function" {
  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_uri        = module.function.invoke_arn
  payload_format_version = "2.0"
}

# One route a method, not `ANY`: that would take in a browser's preflight too, and pass it to the function, which
# refuses OPTIONS. The gateway answers preflights only where no route takes them (aws/serverless-application-model#1603).
resource "aws_apigatewayv2_route" "this" {
  #checkov:skip=CKV_AWS_309:API keys are checked, and limited, by the function itself; an authorizer would be a third function
  for_each = toset(local.methods)

  api_id    = aws_apigatewayv2_api.this.id
  route_key = "${each.key} /api/{proxy+}"
  target    = "integrations/${aws_apigatewayv2_integration.function.id}"
}

# The page, by the routes of its own files: everything else of the function lies below /api.
resource "aws_apigatewayv2_route" "page" {
  #checkov:skip=CKV_AWS_309:the page asks its visitor for an API key, and is the same for everybody until then
  for_each = toset(var.page_enabled ? local.page_routes : [])

  api_id    = aws_apigatewayv2_api.this.id
  route_key = each.key
  target    = "integrations/${aws_apigatewayv2_integration.function.id}"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = var.requests_per_second
    throttling_burst_limit = 2 * var.requests_per_second
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn

    # Query strings and headers are left out, because they hold cursors and keys.
    format = jsonencode({
      requestId = "$context.requestId"
      time      = "$context.requestTime"
      ip        = "$context.identity.sourceIp"
      method    = "$context.httpMethod"
      path      = "$context.path"
      status    = "$context.status"
      bytes     = "$context.responseLength"
      ms        = "$context.responseLatency"
      error     = "$context.integrationErrorMessage"
    })
  }
}

resource "aws_cloudwatch_log_group" "access" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts it with its own key
  #checkov:skip=CKV_AWS_338:how long logs are kept is the operator's choice
  name              = "/aws/apigateway/${var.name}-api"
  retention_in_days = var.log_retention_days
}

resource "aws_lambda_permission" "gateway" {
  statement_id  = "gateway"
  action        = "lambda:InvokeFunction"
  function_name = module.function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/*/api/{proxy+}"
}

resource "aws_lambda_permission" "page" {
  for_each = aws_apigatewayv2_route.page

  statement_id  = "page-${index(local.page_routes, each.key)}"
  action        = "lambda:InvokeFunction"
  function_name = module.function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/${replace(each.key, " ", "")}"
}
