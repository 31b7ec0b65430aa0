# One table holds jobs, parts, events, deliveries, callbacks, keys and slots. Both indexes are sparse: an item is in
# `due` only while something has to be done about it, and in `by_client` only if a client can list it.
resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_119:the key that AWS manages is enough here; webhook secrets are encrypted under a key of their own before they are stored
  name         = var.name
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "pk"
  range_key    = "sk"

  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  attribute {
    name = "due_kind"
    type = "S"
  }

  attribute {
    name = "due_at"
    type = "N"
  }

  attribute {
    name = "client_id"
    type = "S"
  }

  attribute {
    name = "sort"
    type = "S"
  }

  # Provider 6.29 and newer warn of hash_key and range_key in an index, though not of the table's own. Once versions.tf
  # asks for one of those, write key_schema blocks with attribute_name and key_type here instead, which 5.100 does not
  # know, and take this file out of tools/provider_trial.py.
  global_secondary_index {
    name            = "due"
    hash_key        = "due_kind"
    range_key       = "due_at"
    projection_type = "ALL"
  }

  global_secondary_index {
    name            = "by_client"
    hash_key        = "client_id"
    range_key       = "sort"
    projection_type = "ALL"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }
}
