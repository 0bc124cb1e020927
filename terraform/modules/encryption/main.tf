# Two keys: one for what the control plane keeps (Kubernetes secrets, logs), one for what models and people keep.

locals {
  root_arn = "arn:${var.partition}:iam::${var.account_id}:root"
  keys = {
    cluster = "Kubernetes secrets and logs of ${var.cluster_name}"
    data    = "Weights, file systems, images and secrets of ${var.cluster_name}"
  }
}

data "aws_iam_policy_document" "key" {
  # checkov:skip=CKV_AWS_109:a key's own policy must leave somebody able to administer it, else it is lost
  # checkov:skip=CKV_AWS_111:in a key's own policy the resource is that key
  # checkov:skip=CKV_AWS_356:in a key's own policy the resource is that key
  for_each = local.keys

  # In a key's own policy "*" is that key. The account's root hands the decision to IAM policies.
  statement {
    sid       = "AdministerByIam"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = [local.root_arn]
    }
  }

  dynamic "statement" {
    for_each = each.key == "cluster" ? [1] : []

    content {
      sid       = "EncryptLogs"
      actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"]
      resources = ["*"]

      principals {
        type        = "Service"
        identifiers = ["logs.${var.region}.amazonaws.com"]
      }
      condition {
        test     = "ArnLike"
        variable = "kms:EncryptionContext:aws:logs:arn"
        values   = [for name in var.log_group_names : "arn:${var.partition}:logs:${var.region}:${var.account_id}:log-group:${name}"]
      }
    }
  }
}

resource "aws_kms_key" "this" {
  for_each = local.keys

  description             = each.value
  policy                  = data.aws_iam_policy_document.key[each.key].json
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

resource "aws_kms_alias" "this" {
  for_each = local.keys

  name          = "alias/${var.cluster_name}/${each.key}"
  target_key_id = aws_kms_key.this[each.key].key_id
}
