locals {
  upstreams = {
    docker-hub        = "registry-1.docker.io"
    ecr-public        = "public.ecr.aws"
    github            = "ghcr.io"
    quay              = "quay.io"
    "registry.k8s.io" = "registry.k8s.io"
  }

  cache_repository_arns = [
    for name in keys(var.pull_through_caches) : "arn:${var.partition}:ecr:${var.region}:${var.account_id}:repository/${var.cluster_name}/${name}/*"
  ]

  lifecycle_policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Images without a tag, after two weeks"
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
      action       = { type = "expire" }
    }]
  })
}

resource "aws_ecr_repository" "this" {
  for_each = var.image_repositories

  name                 = "${var.cluster_name}/${each.key}"
  image_tag_mutability = "IMMUTABLE"

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.key_arn
  }
  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy     = local.lifecycle_policy
}

resource "aws_ecr_pull_through_cache_rule" "this" {
  for_each = var.pull_through_caches

  ecr_repository_prefix = "${var.cluster_name}/${each.key}"
  upstream_registry_url = local.upstreams[each.key]
  credential_arn        = each.value.credential_arn
}

# ECR makes a repository when an image is first pulled through; this says how. Tags of a cache follow those of its registry
# (ECR asks at least daily), unless it is told to keep what it pulled first.
resource "aws_ecr_repository_creation_template" "cache" {
  for_each = var.pull_through_caches

  prefix               = aws_ecr_pull_through_cache_rule.this[each.key].ecr_repository_prefix
  description          = "Images cached from ${local.upstreams[each.key]}"
  applied_for          = ["PULL_THROUGH_CACHE"]
  image_tag_mutability = each.value.immutable_tags ? "IMMUTABLE" : "MUTABLE"
  lifecycle_policy     = local.lifecycle_policy
  custom_role_arn      = aws_iam_role.cache[0].arn
  resource_tags        = var.tags

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.key_arn
  }

  depends_on = [aws_iam_role_policy.cache]
}

data "aws_iam_policy_document" "cache_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecr.amazonaws.com"]
    }
  }
}

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates-custom.html, for caches alone
data "aws_iam_policy_document" "cache" {
  statement {
    sid       = "MakeRepositories"
    actions   = ["ecr:CreateRepository", "ecr:TagResource"]
    resources = local.cache_repository_arns
  }
  statement {
    sid       = "EncryptThem"
    actions   = ["kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"]
    resources = [var.key_arn]
  }
}

# A template with a key or tags needs a role: ECR's own may give neither.
resource "aws_iam_role" "cache" {
  count = length(var.pull_through_caches) == 0 ? 0 : 1

  name                 = "${var.cluster_name}-image-cache"
  description          = "ECR makes the repositories of cached images"
  assume_role_policy   = data.aws_iam_policy_document.cache_trust.json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "cache" {
  count = length(var.pull_through_caches) == 0 ? 0 : 1

  name   = "image-cache"
  role   = aws_iam_role.cache[0].name
  policy = data.aws_iam_policy_document.cache.json
}

data "aws_iam_policy_document" "pull_through" {
  count = length(var.pull_through_caches) == 0 ? 0 : 1

  statement {
    sid       = "PullThroughCache"
    actions   = ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
    resources = local.cache_repository_arns
  }
}

# The first node that asks for an image makes its repository.
resource "aws_iam_role_policy" "pull_through" {
  for_each = length(var.pull_through_caches) == 0 ? {} : var.node_role_names

  name   = "pull-through-cache"
  role   = each.value
  policy = data.aws_iam_policy_document.pull_through[0].json
}

# One setting for the whole registry of an account and region, cached images included: a repository's own is for pushes alone.
resource "aws_ecr_registry_scanning_configuration" "this" {
  count = var.image_scanning == null ? 0 : 1

  scan_type = upper(var.image_scanning)

  rule {
    scan_frequency = var.image_scanning == "enhanced" ? "CONTINUOUS_SCAN" : "SCAN_ON_PUSH"

    repository_filter {
      filter      = "*"
      filter_type = "WILDCARD"
    }
  }
}
