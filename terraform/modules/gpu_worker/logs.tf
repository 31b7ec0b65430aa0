resource "aws_cloudwatch_log_group" "worker" {
  #checkov:skip=CKV_AWS_158:logs hold no content of recordings; CloudWatch encrypts them with its own key
  #checkov:skip=CKV_AWS_338:how long logs are kept is the operator's choice
  name              = "/${var.deployment}/worker"
  retention_in_days = var.log_retention_days
}
