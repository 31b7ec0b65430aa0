# A key of the account's own may encrypt the machines' disks. EC2 launches spot machines through a role of its own,
# which must be allowed to use that key: without the grant every machine ends as soon as it starts
# (Client.InternalError).
data "aws_iam_roles" "spot" {
  count = var.ebs_key_arn == "" ? 0 : 1

  name_regex  = "^AWSServiceRoleForEC2Spot$"
  path_prefix = "/aws-service-role/spot.amazonaws.com/"
}

# The role belongs to the whole account, so it is only looked up here. If it were made here, a destroy would take it
# from everybody else.
resource "aws_kms_grant" "spot" {
  count = var.ebs_key_arn == "" ? 0 : 1

  name              = "${var.name}-spot"
  key_id            = var.ebs_key_arn
  grantee_principal = one(data.aws_iam_roles.spot[0].arns)

  # These are the operations that AWS lists for this role.
  operations = [
    "CreateGrant",
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
  ]

  lifecycle {
    precondition {
      condition     = length(data.aws_iam_roles.spot[0].arns) == 1
      error_message = "ebs_key_arn: the key is to be used by the role AWSServiceRoleForEC2Spot, which this account lacks because it never had a spot machine. Make it once: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com"
    }
  }
}
