# What a machine may do: its items, its objects, its settings. No EC2 permission at all: it leaves by powering off.
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
  name               = "${var.name}-worker"
  description        = "Transcription machines of ${var.deployment}"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_iam_instance_profile" "this" {
  name = "${var.name}-worker"
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

  # An upload that fails half-way is called off, so that its pieces do not stay until the bucket's rule finds them.
  statement {
    sid       = "CallOffUploads"
    actions   = ["s3:AbortMultipartUpload"]
    resources = ["${var.bucket_arn}/work/*"]
  }

  statement {
    sid       = "FindCheckpoints"
    actions   = ["s3:ListBucket"]
    resources = [var.bucket_arn]

    # IfExists: reading a key that is not there asks for this permission without a prefix, and S3 answers 403
    # instead of 404 to whoever lacks it.
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

    # Each secret is sealed for one callback, and opens for no other.
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

# What the agent of Session Manager needs; without it the agent, where an image has one, reaches nobody. AWS's own policy
# for this (AmazonSSMManagedInstanceCore) would let a machine read every parameter of the account.
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
