# Whoever launches machines must be allowed to use the key that encrypts their disks. The orchestrator may use it
# through EC2 only, and may grant it to EC2 only.
data "aws_iam_policy_document" "disk_key" {
  count = var.ebs_key_arn == "" ? 0 : 1

  statement {
    sid = "LaunchOnEncryptedDisks"
    actions = [
      "kms:Decrypt",
      "kms:DescribeKey",
      "kms:GenerateDataKeyWithoutPlaintext",
      "kms:ReEncryptFrom",
      "kms:ReEncryptTo",
    ]
    resources = [var.ebs_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["ec2.${local.region}.amazonaws.com"]
    }
  }

  statement {
    sid       = "HandTheDisksKeyOver"
    actions   = ["kms:CreateGrant"]
    resources = [var.ebs_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["ec2.${local.region}.amazonaws.com"]
    }

    condition {
      test     = "Bool"
      variable = "kms:GrantIsForAWSResource"
      values   = ["true"]
    }
  }
}

resource "aws_iam_role_policy" "disk_key" {
  count = var.ebs_key_arn == "" ? 0 : 1

  name   = "disk-key"
  role   = module.function.role_name
  policy = data.aws_iam_policy_document.disk_key[0].json
}
