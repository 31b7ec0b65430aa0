# What the orchestrator needs to launch machines from our template and to end those that carry our tag, and nothing more.
data "aws_iam_policy_document" "fleet" {
  statement {
    sid     = "LaunchHereOnly"
    actions = ["ec2:CreateFleet", "ec2:RunInstances"]
    resources = concat(
      [var.launch_template_arn, "${local.ec2}:${local.account}:security-group/${var.security_group_id}"],
      [for subnet in var.subnet_ids : "${local.ec2}:${local.account}:subnet/${subnet}"],
    )
  }

  # Asking for a fleet is checked against everything that the fleet is made of; what is launched, by the statements below.
  statement {
    sid     = "AskForFleet"
    actions = ["ec2:CreateFleet"]
    resources = concat(
      [for kind in ["fleet", "instance", "network-interface", "volume"] : "${local.ec2}:${local.account}:${kind}/*"],
      ["${local.ec2}::image/*"],
    )
  }

  # An instant fleet launches with its caller's rights, type by type, so the type that is asked for is what is weighed.
  statement {
    sid       = "LaunchListedTypesOnly"
    actions   = ["ec2:RunInstances"]
    resources = ["${local.ec2}:${local.account}:instance/*"]

    condition {
      test     = "ArnEquals"
      variable = "ec2:LaunchTemplate"
      values   = [var.launch_template_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "ec2:InstanceType"
      values   = var.instance_types
    }
  }

  statement {
    sid       = "LaunchOurTemplateOnly"
    actions   = ["ec2:RunInstances"]
    resources = [for kind in ["network-interface", "volume"] : "${local.ec2}:${local.account}:${kind}/*"]

    condition {
      test     = "ArnEquals"
      variable = "ec2:LaunchTemplate"
      values   = [var.launch_template_arn]
    }
  }

  statement {
    sid       = "LaunchOwnAndAmazonsImages"
    actions   = ["ec2:RunInstances"]
    resources = ["${local.ec2}::image/*"]

    condition {
      test     = "StringEquals"
      variable = "ec2:Owner"
      values   = ["amazon", local.account]
    }
  }

  statement {
    sid     = "TagWhatIsLaunched"
    actions = ["ec2:CreateTags"]
    resources = [
      for kind in ["instance", "volume"] : "${local.ec2}:${local.account}:${kind}/*"
    ]

    condition {
      test     = "StringEquals"
      variable = "ec2:CreateAction"
      values   = ["CreateFleet", "RunInstances"]
    }
  }

  statement {
    sid       = "EndOurMachines"
    actions   = ["ec2:TerminateInstances"]
    resources = ["${local.ec2}:${local.account}:instance/*"]

    condition {
      test     = "StringEquals"
      variable = "ec2:ResourceTag/transcribe-deployment"
      values   = [var.deployment]
    }
  }

  # EC2 takes a machine's tags off some time after its end; from then on this is denied, and the console is left where it is.
  statement {
    sid       = "ReadOurMachinesConsoles"
    actions   = ["ec2:GetConsoleOutput"]
    resources = ["${local.ec2}:${local.account}:instance/*"]

    condition {
      test     = "StringEquals"
      variable = "ec2:ResourceTag/transcribe-deployment"
      values   = [var.deployment]
    }
  }

  statement {
    #checkov:skip=CKV_AWS_356:AWS takes no ARN for it
    sid       = "SeeMachines"
    actions   = ["ec2:DescribeInstances"]
    resources = ["*"]
  }

  statement {
    sid       = "HandOverTheMachinesRole"
    actions   = ["iam:PassRole"]
    resources = [var.worker_role_arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ec2.amazonaws.com"]
    }
  }

  # Accounts that never used spot lack this role, and the first launch makes it. An instant fleet needs none of its own.
  statement {
    sid       = "FirstSpotLaunchOfAnAccount"
    actions   = ["iam:CreateServiceLinkedRole"]
    resources = ["arn:${local.partition}:iam::${local.account}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"]

    condition {
      test     = "StringEquals"
      variable = "iam:AWSServiceName"
      values   = ["spot.amazonaws.com"]
    }
  }

  statement {
    sid     = "ReadImageIds"
    actions = ["ssm:GetParameter"]
    resources = [
      "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter${var.image_parameter}",
      # Amazon's public parameters belong to no account.
      "arn:${local.partition}:ssm:${local.region}::parameter${var.fallback_image_parameter}",
    ]
  }
}

resource "aws_iam_role_policy" "fleet" {
  name   = "fleet"
  role   = module.function.role_name
  policy = data.aws_iam_policy_document.fleet.json
}
