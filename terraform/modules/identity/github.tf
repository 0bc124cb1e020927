# GitHub Actions signs in by OpenID Connect: no stored keys, and only for the subjects that are named.

locals {
  github_host         = "token.actions.githubusercontent.com"
  github_provider_arn = var.github == null ? null : coalesce(var.github.provider_arn, one(aws_iam_openid_connect_provider.github[*].arn))
}

# An account has one provider for each host.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.github != null && try(var.github.provider_arn, null) == null ? 1 : 0

  url            = "https://${local.github_host}"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "github_trust" {
  count = var.github == null ? 0 : 1

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [local.github_provider_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.github_host}:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.github_host}:sub"
      values   = [for subject in var.github.subjects : "repo:${var.github.repository}:${subject}"]
    }
  }
}

data "aws_iam_policy_document" "github" {
  count = var.github == null ? 0 : 1

  statement {
    sid       = "UploadWeights"
    actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
    resources = ["${var.models_bucket_arn}/*"]
  }
  statement {
    sid       = "ListWeights"
    actions   = ["s3:ListBucket"]
    resources = [var.models_bucket_arn]
  }
  statement {
    sid       = "EncryptWeights"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.data_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
  }

  dynamic "statement" {
    for_each = length(var.image_repository_arns) == 0 ? [] : [1]

    content {
      sid = "PushImages"
      actions = [
        "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:GetDownloadUrlForLayer",
        "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
      ]
      resources = var.image_repository_arns
    }
  }

  dynamic "statement" {
    for_each = length(var.image_repository_arns) == 0 ? [] : [1]

    content {
      # It has no resource-level permission.
      sid       = "SignInToRegistry"
      actions   = ["ecr:GetAuthorizationToken"]
      resources = ["*"]
    }
  }
}

resource "aws_iam_role" "github" {
  count = var.github == null ? 0 : 1

  name                 = "${var.cluster_name}-github"
  description          = "GitHub Actions of ${var.github.repository}"
  assume_role_policy   = data.aws_iam_policy_document.github_trust[0].json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "github" {
  count = var.github == null ? 0 : 1

  name   = "github"
  role   = aws_iam_role.github[0].name
  policy = data.aws_iam_policy_document.github[0].json
}
