# What the orchestrator needs to launch machines from our template and to end those that carry our tag, and nothing
# more.
locals {
  template_arns = [for template in var.launch_templates : template.arn]
}

data "aws_iam_policy_document" "fleet" {
  statement {
    sid     = "LaunchHereOnly"
    actions = ["ec2:CreateFleet", "ec2:RunInstances"]
    resources = concat(
      local.template_arns,
      ["${local.ec2}:${local.account}:security-group/${var.security_group_id}"],
      [for subnet in var.subnet_ids : "${local.ec2}:${local.account}:subnet/${subnet}"],
    )
  }

  # AWS checks a request for a fleet against everything that the fleet consists of. What the fleet launches is checked
  # against the statements below.
  statement {
    sid     = "AskForFleet"
    actions = ["ec2:CreateFleet"]
    resources = concat(
      [for kind in ["fleet", "instance", "network-interface", "spot-instances-request", "volume"] : "${local.ec2}:${local.account}:${kind}/*"],
      ["${local.ec2}::image/*"],
    )
  }

  # An instant fleet launches with the rights of its caller, type by type, so AWS checks the type that is launched.
  statement {
    sid       = "LaunchListedTypesOnly"
    actions   = ["ec2:RunInstances"]
    resources = ["${local.ec2}:${local.account}:instance/*"]

    condition {
      test     = "ArnEquals"
      variable = "ec2:LaunchTemplate"
      values   = local.template_arns
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
      values   = local.template_arns
    }
  }

  # Only a spot request that is tagged as it is made is checked at all; the template tags it.
  statement {
    sid       = "LaunchTaggedSpotRequestsOnly"
    actions   = ["ec2:RunInstances"]
    resources = ["${local.ec2}:${local.account}:spot-instances-request/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/transcribe-deployment"
      values   = [var.deployment]
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
      for kind in ["instance", "spot-instances-request", "volume"] : "${local.ec2}:${local.account}:${kind}/*"
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

  # EC2 removes a machine's tags some time after its end. From then on this is denied, and its console is not read any
  # more.
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

  # An account that never used spot lacks this role, and its first launch makes it. A fleet of type instant needs no
  # other.
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
      # The ARN of a public parameter of Amazon names no account.
      "arn:${local.partition}:ssm:${local.region}::parameter${var.fallback_image_parameter}",
    ]
  }
}

resource "aws_iam_role_policy" "fleet" {
  name   = "fleet"
  role   = module.function.role_name
  policy = data.aws_iam_policy_document.fleet.json
}
