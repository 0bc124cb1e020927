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
  # checkov:skip=CKV_AWS_283:the conditions leave the service-linked roles of this account's file systems
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

  # FSx reads the bucket by a service-linked role for each file system, to which nobody can attach IAM policies.
  # https://docs.aws.amazon.com/fsx/latest/LustreGuide/s3-server-side-encryption-support.html
  dynamic "statement" {
    for_each = each.key == "data" && var.lustre_bucket_arn != null ? [var.lustre_bucket_arn] : []

    content {
      sid       = "ReadLinkedBucket"
      actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"]
      resources = ["*"]

      # A role that is not there yet cannot be a principal; the account and the role's ARN together are as narrow.
      principals {
        type        = "AWS"
        identifiers = ["*"]
      }
      condition {
        test     = "StringEquals"
        variable = "kms:CallerAccount"
        values   = [var.account_id]
      }
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${var.region}.amazonaws.com"]
      }
      condition {
        test     = "ArnLike"
        variable = "aws:PrincipalArn"
        values   = ["arn:${var.partition}:iam::${var.account_id}:role/aws-service-role/s3.data-source.lustre.fsx.amazonaws.com/AWSServiceRoleForFSxS3Access_fs-*"]
      }
      # The bucket's own ARN is the context where it has a bucket key.
      condition {
        test     = "StringLike"
        variable = "kms:EncryptionContext:aws:s3:arn"
        values   = [statement.value, "${statement.value}/*"]
      }
    }
  }
}

resource "aws_kms_key" "this" {
  # checkov:skip=CKV_AWS_33:the conditions leave the service-linked roles of this account's file systems
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
