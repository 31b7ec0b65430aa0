# What whoever launches machines needs of the key that their disks are under: through EC2 only, and grants only for EC2.
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
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.disk_key[0].json
}
