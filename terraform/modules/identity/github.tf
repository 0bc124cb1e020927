# GitHub Actions signs in by OpenID Connect: no stored keys, a role for each purpose, and each only for the subjects that are
# named. Who may plan reads, also from a branch that nobody reviewed; who may apply waits for reviewers; who may upload writes
# weights and images and cannot plan. .github/workflows/terraform.yml names the environments.

locals {
  github_host         = "token.actions.githubusercontent.com"
  github_provider_arn = var.github == null ? null : coalesce(var.github.provider_arn, one(aws_iam_openid_connect_provider.github[*].arn))

  # Repositories that were made, renamed or transferred since 2026-07-15, and those that chose it, sign in with the ids of
  # owner and repository beside their names: a name that somebody else takes later is then another subject.
  # https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims
  github_names      = var.github == null ? ["", ""] : split("/", var.github.repository)
  github_repository = try(var.github.owner_id, null) == null ? join("/", local.github_names) : "${local.github_names[0]}@${var.github.owner_id}/${local.github_names[1]}@${var.github.repository_id}"

  github_subjects = var.github == null ? {} : merge(
    {
      plan   = coalesce(var.github.plan_subjects, ["environment:${var.environment_name}-plan"])
      upload = var.github.upload_subjects
    },
    length(var.github.apply_policy_arns) == 0 ? {} : {
      apply = coalesce(var.github.apply_subjects, ["environment:${var.environment_name}"])
    },
  )
  github_roles = { for purpose, subjects in local.github_subjects : purpose => subjects if length(subjects) > 0 }
  github_says  = { plan = "plans", apply = "applies", upload = "uploads weights and images" }

  # Where the state lies that a plan reads, as backend.hcl says.
  backend_file     = "${var.environment_directory}/backend.hcl"
  named_bucket     = try(regex("bucket *= *\"([^\"]+)\"", file(local.backend_file))[0], null)
  usual_bucket     = "${var.cluster_name}-state-${var.account_id}"
  state_bucket_arn = "arn:${var.partition}:s3:::${coalesce(local.named_bucket, local.usual_bucket)}"
}

# An account has one provider for each host.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.github != null && try(var.github.provider_arn, null) == null ? 1 : 0

  url            = "https://${local.github_host}"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "github_trust" {
  for_each = local.github_roles

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
      values   = [for subject in each.value : "repo:${local.github_repository}:${subject}"]
    }
  }
}

data "aws_iam_policy_document" "github_upload" {
  count = contains(keys(local.github_roles), "upload") ? 1 : 0

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

# A plan reads what there is, and nothing of what is in it: the code of an unreviewed branch runs with this role.
data "aws_iam_policy_document" "github_plan" {
  count = contains(keys(local.github_roles), "plan") ? 1 : 0

  statement {
    sid           = "ReadStateOnly"
    effect        = "Deny"
    actions       = ["s3:GetObject*"]
    not_resources = ["${local.state_bucket_arn}/environments/${var.environment_name}/*"]
  }
  statement {
    sid           = "ReadPublicParametersOnly"
    effect        = "Deny"
    actions       = ["ssm:GetParameter*"]
    not_resources = ["arn:${var.partition}:ssm:*::parameter/aws/service/*"]
  }
  statement {
    sid    = "ReadNoContent"
    effect = "Deny"
    actions = [
      "athena:GetQueryResults*", "cloudformation:GetTemplate", "dynamodb:BatchGetItem", "dynamodb:GetItem",
      "dynamodb:GetRecords", "dynamodb:Query", "dynamodb:Scan", "ec2:GetConsoleOutput", "ec2:GetConsoleScreenshot",
      "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "kinesis:GetRecords", "kms:Decrypt", "lambda:GetFunction",
      "logs:FilterLogEvents", "logs:GetLogEvents", "logs:GetQueryResults", "logs:StartLiveTail", "logs:StartQuery",
      "secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue", "sqs:ReceiveMessage",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_role" "github" {
  for_each = local.github_roles

  name                 = "${var.cluster_name}-github-${each.key}"
  description          = "GitHub Actions of ${var.github.repository}: ${local.github_says[each.key]}"
  assume_role_policy   = data.aws_iam_policy_document.github_trust[each.key].json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "github_upload" {
  count = contains(keys(local.github_roles), "upload") ? 1 : 0

  name   = "upload"
  role   = aws_iam_role.github["upload"].name
  policy = data.aws_iam_policy_document.github_upload[0].json
}

resource "aws_iam_role_policy" "github_plan" {
  count = contains(keys(local.github_roles), "plan") ? 1 : 0

  name   = "plan"
  role   = aws_iam_role.github["plan"].name
  policy = data.aws_iam_policy_document.github_plan[0].json
}

# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/ReadOnlyAccess.html
resource "aws_iam_role_policy_attachment" "github_plan" {
  count = contains(keys(local.github_roles), "plan") ? 1 : 0

  role       = aws_iam_role.github["plan"].name
  policy_arn = "arn:${var.partition}:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_role_policy_attachment" "github_apply" {
  for_each = toset(contains(keys(local.github_roles), "apply") ? var.github.apply_policy_arns : [])

  role       = aws_iam_role.github["apply"].name
  policy_arn = each.value
}
