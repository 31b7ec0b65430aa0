# An AWS that answers plausibly: provider code that checks ARNs, ids and JSON accepts it.
mock_data "aws_caller_identity" {
  defaults = {
    account_id = "123456789012"
  }
}

mock_data "aws_region" {
  defaults = {
    id = "eu-north-1"
  }
}

mock_data "aws_partition" {
  defaults = {
    partition = "aws"
  }
}

mock_data "aws_availability_zones" {
  defaults = {
    names = ["eu-north-1a", "eu-north-1b", "eu-north-1c"]
  }
}

mock_data "aws_ec2_instance_type_offerings" {
  defaults = {
    instance_types = ["g4dn.xlarge", "g4dn.xlarge", "g4dn.2xlarge", "g5.xlarge"]
    locations      = ["eu-north-1a", "eu-north-1b", "eu-north-1a", "eu-north-1b"]
  }
}

mock_data "aws_ec2_instance_type" {
  defaults = {
    default_vcpus = 4
  }
}

mock_data "aws_servicequotas_service_quota" {
  defaults = {
    value = 64
  }
}

mock_data "aws_ebs_default_kms_key" {
  defaults = {
    key_arn = "arn:aws:kms:eu-north-1:123456789012:key/0987dcba-09fe-47dc-a5ba-ab0987654321"
  }
}

mock_data "aws_kms_key" {
  defaults = {
    key_manager = "AWS"
  }
}

mock_data "aws_iam_roles" {
  defaults = {
    arns = ["arn:aws:iam::123456789012:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"]
  }
}

mock_data "aws_subnet" {
  defaults = {
    vpc_id            = "vpc-0123456789abcdef0"
    availability_zone = "eu-north-1a"
  }
}

mock_data "aws_iam_policy_document" {
  defaults = {
    json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  }
}

mock_resource "aws_s3_bucket" {
  defaults = {
    arn = "arn:aws:s3:::transcription-123456789012-eu-north-1"
  }
}

mock_resource "aws_dynamodb_table" {
  defaults = {
    arn = "arn:aws:dynamodb:eu-north-1:123456789012:table/transcription-jobs"
  }
}

mock_resource "aws_kms_key" {
  defaults = {
    arn    = "arn:aws:kms:eu-north-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    key_id = "11111111-2222-3333-4444-555555555555"
  }
}

mock_resource "aws_iam_role" {
  defaults = {
    arn = "arn:aws:iam::123456789012:role/mocked"
  }
}

mock_resource "aws_iam_instance_profile" {
  defaults = {
    arn = "arn:aws:iam::123456789012:instance-profile/mocked"
  }
}

mock_resource "aws_launch_template" {
  defaults = {
    id  = "lt-0123456789abcdef0"
    arn = "arn:aws:ec2:eu-north-1:123456789012:launch-template/lt-0123456789abcdef0"
  }
}

mock_resource "aws_ssm_parameter" {
  defaults = {
    arn = "arn:aws:ssm:eu-north-1:123456789012:parameter/transcription/worker"
  }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = {
    arn = "arn:aws:logs:eu-north-1:123456789012:log-group:mocked"
  }
}

mock_resource "aws_sqs_queue" {
  defaults = {
    arn = "arn:aws:sqs:eu-north-1:123456789012:mocked"
    id  = "https://sqs.eu-north-1.amazonaws.com/123456789012/mocked"
  }
}

mock_resource "aws_lambda_function" {
  defaults = {
    arn        = "arn:aws:lambda:eu-north-1:123456789012:function:mocked"
    invoke_arn = "arn:aws:apigateway:eu-north-1:lambda:path/2015-03-31/functions/mocked/invocations"
  }
}

mock_resource "aws_cloudwatch_event_rule" {
  defaults = {
    arn = "arn:aws:events:eu-north-1:123456789012:rule/mocked"
  }
}

mock_resource "aws_apigatewayv2_api" {
  defaults = {
    id            = "a1b2c3d4e5"
    api_endpoint  = "https://a1b2c3d4e5.execute-api.eu-north-1.amazonaws.com"
    execution_arn = "arn:aws:execute-api:eu-north-1:123456789012:a1b2c3d4e5"
  }
}

mock_resource "aws_sns_topic" {
  defaults = {
    arn = "arn:aws:sns:eu-north-1:123456789012:mocked"
  }
}

mock_resource "aws_security_group" {
  defaults = {
    id = "sg-0123456789abcdef0"
  }
}
