locals {
  upstreams = {
    docker-hub        = "registry-1.docker.io"
    ecr-public        = "public.ecr.aws"
    github            = "ghcr.io"
    quay              = "quay.io"
    "registry.k8s.io" = "registry.k8s.io"
  }

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

# ECR makes a repository when an image is first pulled through; this says how.
resource "aws_ecr_repository_creation_template" "cache" {
  for_each = var.pull_through_caches

  prefix               = aws_ecr_pull_through_cache_rule.this[each.key].ecr_repository_prefix
  description          = "Images cached from ${local.upstreams[each.key]}"
  applied_for          = ["PULL_THROUGH_CACHE"]
  image_tag_mutability = "MUTABLE"
  lifecycle_policy     = local.lifecycle_policy

  encryption_configuration {
    encryption_type = "AES256"
  }
}

data "aws_iam_policy_document" "pull_through" {
  count = length(var.pull_through_caches) == 0 ? 0 : 1

  statement {
    sid       = "PullThroughCache"
    actions   = ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
    resources = [for name in keys(var.pull_through_caches) : "arn:${var.partition}:ecr:${var.region}:${var.account_id}:repository/${var.cluster_name}/${name}/*"]
  }
}

# The first node that asks for an image makes its repository.
resource "aws_iam_role_policy" "pull_through" {
  for_each = length(var.pull_through_caches) == 0 ? {} : var.node_role_names

  name   = "pull-through-cache"
  role   = each.value
  policy = data.aws_iam_policy_document.pull_through[0].json
}
