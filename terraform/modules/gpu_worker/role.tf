# A machine may use its items, its objects and its settings. It needs no permission for EC2, because it ends by powering
# off.
data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = "${var.name}-worker"
  path                 = var.role_path
  description          = "Transcription machines of ${var.deployment}"
  assume_role_policy   = data.aws_iam_policy_document.assume.json
  permissions_boundary = var.permissions_boundary_arn != "" ? var.permissions_boundary_arn : null
}

resource "aws_iam_instance_profile" "this" {
  name = "${var.name}-worker"
  path = var.role_path
  role = aws_iam_role.this.name
}

data "aws_iam_policy_document" "this" {
  statement {
    sid = "OwnItems"
    actions = [
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "dynamodb:UpdateItem",
    ]
    resources = [var.table_arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["JOB#*", "CLIENT#*", "SLOT"]
    }
  }

  statement {
    sid       = "QueuedParts"
    actions   = ["dynamodb:Query"]
    resources = ["${var.table_arn}/index/due"]
  }

  statement {
    sid     = "ReadSources"
    actions = ["s3:GetObject"]
    resources = [
      for prefix in ["uploads", "work", "models", "artifacts"] : "${var.bucket_arn}/${prefix}/*"
    ]
  }

  statement {
    sid       = "WriteResults"
    actions   = ["s3:PutObject"]
    resources = [for prefix in ["results", "work"] : "${var.bucket_arn}/${prefix}/*"]
  }

  statement {
    sid       = "FindCheckpoints"
    actions   = ["s3:ListBucket"]
    resources = [var.bucket_arn]

    # IfExists is needed for reading a key that is not there: S3 then asks for this permission without a prefix, and
    # answers 403 in place of 404 if it is missing.
    condition {
      test     = "StringLikeIfExists"
      variable = "s3:prefix"
      values   = ["work/*"]
    }
  }

  statement {
    sid       = "OpenWebhookSecrets"
    actions   = ["kms:Decrypt"]
    resources = [var.key_arn]

    # A secret is encrypted for one callback, and can be decrypted for that one only.
    condition {
      test     = "Null"
      variable = "kms:EncryptionContext:callback_id"
      values   = ["false"]
    }
  }

  statement {
    sid       = "ReadSettings"
    actions   = ["ssm:GetParameter"]
    resources = [aws_ssm_parameter.config.arn]
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.worker.arn}:*"]
  }
}

resource "aws_iam_role_policy" "this" {
  name   = "worker"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.this.json
}

# The agent of Session Manager needs this; without it the agent reaches nobody, even if an image has one. AWS's own
# policy for it (AmazonSSMManagedInstanceCore) would let a machine read every parameter of the account.
data "aws_iam_policy_document" "session_manager" {
  #checkov:skip=CKV_AWS_356:AWS takes no ARN for the channels
  #checkov:skip=CKV_AWS_111:AWS takes no ARN for the channels
  statement {
    sid = "OfferAShell"
    actions = [
      "ssm:UpdateInstanceInformation",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "session_manager" {
  count = var.session_manager ? 1 : 0

  name   = "session-manager"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.session_manager.json
}
