# What the orchestrator may do to machines, and who may fill its queue.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name              = "transcription-eu-north-1"
  deployment        = "transcription"
  zip_path          = "./main.tf"
  table_name        = "transcription-jobs"
  table_arn         = "arn:aws:dynamodb:eu-north-1:123456789012:table/transcription-jobs"
  bucket_name       = "transcription-123456789012-eu-north-1"
  bucket_arn        = "arn:aws:s3:::transcription-123456789012-eu-north-1"
  key_arn           = "arn:aws:kms:eu-north-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  models            = ["KBLab/kb-whisper-small"]
  unrecorded_models = ["example/one", "example/two"]
  retention_days    = 30
  public_url        = ""
  launch_templates = {
    on-demand = { id = "lt-0123456789abcdef0", arn = "arn:aws:ec2:eu-north-1:123456789012:launch-template/lt-0123456789abcdef0" }
    spot      = { id = "lt-0123456789abcdef1", arn = "arn:aws:ec2:eu-north-1:123456789012:launch-template/lt-0123456789abcdef1" }
  }
  worker_role_arn   = "arn:aws:iam::123456789012:role/transcription-eu-north-1-worker"
  worker_log_group  = "/transcription/worker"
  security_group_id = "sg-0123456789abcdef0"
  subnet_ids        = ["subnet-0123456789abcdef0"]
  instance_types    = ["g4dn.xlarge"]
  image_parameter   = "/transcription/image"

  fallback_image_parameter = "/aws/service/some/image"
}

run "orchestrator" {
  command = apply

  module {
    source = "./modules/orchestrator"
  }

  assert {
    condition     = local.environment.UNRECORDED_MODELS == "example/one,example/two"
    error_message = "It would not know which models no machine may fetch."
  }

  assert {
    condition = local.environment.LAUNCH_AT_REGISTRATION == "false" && !anytrue([
      for statement in data.aws_iam_policy_document.this.statement : contains(statement.resources, "${var.table_arn}/index/by_client")
    ])
    error_message = "It could read clients' lists of jobs although it launches nothing at registration."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.fleet.statement :
      anytrue([for condition in statement.condition : condition.variable == "ec2:ResourceTag/transcribe-deployment" && condition.values == tolist(["transcription"])])
      if contains(statement.actions, "ec2:TerminateInstances") || contains(statement.actions, "ec2:GetConsoleOutput")
    ])
    error_message = "It could end machines that are not ours, or read their consoles."
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.this.statement : statement.resources
      if contains(statement.actions, "logs:PutLogEvents")
    ])) == toset(["arn:aws:logs:eu-north-1:123456789012:log-group:/transcription/worker:log-stream:*/console"])
    error_message = "It could write more than the machines' consoles and, as every function, its own log."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.fleet.statement :
      statement.resources == toset([var.worker_role_arn]) &&
      anytrue([for condition in statement.condition : condition.variable == "iam:PassedToService" && condition.values == tolist(["ec2.amazonaws.com"])])
      if contains(statement.actions, "iam:PassRole")
    ])
    error_message = "It could hand over another role than the machines'."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.fleet.statement :
      anytrue([for condition in statement.condition : condition.variable == "ec2:InstanceType" && condition.values == tolist(["g4dn.xlarge"])])
      if contains(statement.actions, "ec2:RunInstances") && anytrue([for resource in statement.resources : strcontains(resource, ":instance/")])
    ])
    error_message = "It could launch machines of a type that nobody listed."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.fleet.statement :
      statement.resources == toset(["arn:aws:iam::123456789012:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"])
      if contains(statement.actions, "iam:CreateServiceLinkedRole")
    ])
    error_message = "It could make other service roles than the one of the spot market."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.fleet.statement :
      anytrue([for condition in statement.condition : condition.variable == "ec2:CreateAction"])
      if contains(statement.actions, "ec2:CreateTags")
    ])
    error_message = "It could tag what it did not just launch, and so make any machine one that it may end."
  }

  assert {
    condition     = local.environment.LAUNCH_TEMPLATE_ID == "lt-0123456789abcdef0" && local.environment.SPOT_LAUNCH_TEMPLATE_ID == "lt-0123456789abcdef1"
    error_message = "It would launch machines of one market from the other one's template."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.fleet.statement :
      anytrue([for condition in statement.condition : condition.variable == "aws:RequestTag/transcribe-deployment" && condition.values == tolist(["transcription"])])
      if contains(statement.actions, "ec2:RunInstances") && anytrue([for resource in statement.resources : strcontains(resource, ":spot-instances-request/")])
    ])
    error_message = "It could make spot requests that are not tagged as ours."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.fleet.statement :
      !contains(statement.resources, "*") || statement.actions == toset(["ec2:DescribeInstances"])
    ])
    error_message = "A resource of * stands where AWS takes an ARN."
  }

  assert {
    condition = alltrue(flatten([
      for statement in data.aws_iam_policy_document.this.statement : [
        for action in statement.actions : !contains(["dynamodb:Scan", "kms:Encrypt", "s3:PutObject"], action) && !endswith(action, "*")
      ]
    ]))
    error_message = "It may do what its code must never do."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.uploads.statement :
      anytrue([for condition in statement.condition : condition.variable == "aws:SourceArn" && condition.values == tolist([var.bucket_arn])]) &&
      anytrue([for condition in statement.condition : condition.variable == "aws:SourceAccount"])
    ])
    error_message = "Other buckets could announce uploads."
  }

  assert {
    condition     = aws_sqs_queue.uploads.visibility_timeout_seconds >= 6 * var.timeout_seconds
    error_message = "A message could come back while it is still being worked on."
  }

  assert {
    condition     = aws_lambda_event_source_mapping.uploads.function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "One bad message would bring back its whole batch."
  }

  assert {
    condition     = one(aws_s3_bucket_notification.uploads.queue).filter_prefix == "uploads/"
    error_message = "The bucket announces more, or less, than uploads."
  }

  assert {
    condition     = length(aws_iam_role_policy.disk_key) == 0
    error_message = "It may use a key that nobody named."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_target.sweep.input) == { kind = "sweep" }
    error_message = "The schedule sends what the function does not know."
  }
}

run "disks_under_a_key_of_ones_own" {
  command = apply

  module {
    source = "./modules/orchestrator"
  }

  variables {
    ebs_key_arn = "arn:aws:kms:eu-north-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.disk_key[0].statement :
      statement.resources == toset([var.ebs_key_arn]) &&
      anytrue([for condition in statement.condition : condition.variable == "kms:ViaService" && condition.values == tolist(["ec2.eu-north-1.amazonaws.com"])])
    ])
    error_message = "It could use keys by itself, and not only through EC2."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.disk_key[0].statement :
      anytrue([for condition in statement.condition : condition.variable == "kms:GrantIsForAWSResource" && condition.values == tolist(["true"])])
      if contains(statement.actions, "kms:CreateGrant")
    ])
    error_message = "It could grant the key to whom it likes."
  }
}

run "orchestrator_that_launches_at_registration" {
  command = apply

  module {
    source = "./modules/orchestrator"
  }

  variables {
    launch_at_registration = true
  }

  assert {
    condition     = local.environment.LAUNCH_AT_REGISTRATION == "true"
    error_message = "It would take no notice of registrations."
  }

  assert {
    condition = anytrue([
      for statement in data.aws_iam_policy_document.this.statement :
      statement.actions == toset(["dynamodb:Query"]) && statement.resources == toset(["${var.table_arn}/index/by_client"])
    ])
    error_message = "It could not see whether a client's uploads come."
  }
}

run "no_schedule_unless_an_operator_has_one" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  assert {
    condition     = local.environment.WARM_HOURS == ""
    error_message = "The orchestrator would read the schedule ${local.environment.WARM_HOURS}."
  }
}

run "machines_kept_warm" {
  command = plan

  module {
    source = "./modules/orchestrator"
  }

  variables {
    warm_hours = [{ days = ["fri"], from = "22:00", to = "24:00" }, { days = ["sat", "sun"], from = "20:00", to = "02:00", machines = 2 }]
    warm_zone  = "America/Argentina/Buenos_Aires"
  }

  assert {
    condition     = local.environment.WARM_HOURS == jsonencode([{ days = ["fri"], from = "22:00", machines = 1, to = "24:00" }, { days = ["sat", "sun"], from = "20:00", machines = 2, to = "02:00" }])
    error_message = "The orchestrator would keep machines warm in ${local.environment.WARM_HOURS}."
  }

  assert {
    condition     = local.environment.WARM_ZONE == "America/Argentina/Buenos_Aires"
    error_message = "The orchestrator would read the schedule by the clock of ${local.environment.WARM_ZONE}."
  }
}
