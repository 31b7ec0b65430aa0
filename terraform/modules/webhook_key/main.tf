# This key encrypts the secrets that webhooks are signed with. The API may only encrypt and the senders may only
# decrypt, so whoever takes over the API cannot read secrets, and whoever takes over a sender cannot store new ones.
data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_iam_policy_document" "account" {
  #checkov:skip=CKV_AWS_109:a key's policy; without the account as its owner nobody could ever change it
  #checkov:skip=CKV_AWS_111:a key's policy; "*" is the key itself
  #checkov:skip=CKV_AWS_356:a key's policy; "*" is the key itself
  statement {
    sid       = "AccountOwnsTheKey"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }
}

resource "aws_kms_key" "this" {
  description             = "Webhook signing secrets of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = var.deletion_protection ? 30 : 7
  policy                  = data.aws_iam_policy_document.account.json
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}-webhooks"
  target_key_id = aws_kms_key.this.key_id
}
