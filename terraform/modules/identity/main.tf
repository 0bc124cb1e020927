# One role for each service account that talks to AWS, which EKS Pod Identity gives to that account in that namespace of that
# cluster.

locals {
  accounts = merge(local.platform_accounts, local.model_accounts)

  # IAM names end at 64 characters; what is longer keeps its beginning and becomes unique by a digest.
  role_names = {
    for key in keys(local.accounts) : key => (
      length("${var.cluster_name}-${key}") <= 64
      ? "${var.cluster_name}-${key}"
      : "${trimsuffix(substr("${var.cluster_name}-${key}", 0, 55), "-")}-${substr(sha1(key), 0, 8)}"
    )
  }

  associations = merge([
    for key, account in local.accounts : {
      for pair in account.service_accounts : "${pair.namespace}/${pair.name}" => merge(pair, { key = key })
    }
  ]...)
}

module "trust" {
  source   = "../pod-identity-trust"
  for_each = local.accounts

  cluster_arn      = var.cluster_arn
  service_accounts = each.value.service_accounts
}

resource "aws_iam_role" "this" {
  for_each = local.accounts

  name                 = local.role_names[each.key]
  description          = each.value.description
  assume_role_policy   = module.trust[each.key].json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "this" {
  for_each = { for key, account in local.accounts : key => account.policy if account.managed_policy == null }

  name   = each.key
  role   = aws_iam_role.this[each.key].name
  policy = each.value
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = { for key, account in local.accounts : key => account.managed_policy if account.managed_policy != null }

  role       = aws_iam_role.this[each.key].name
  policy_arn = "arn:${var.partition}:iam::aws:policy/${each.value}"
}

resource "aws_eks_pod_identity_association" "this" {
  for_each = local.associations

  cluster_name    = var.cluster_name
  namespace       = each.value.namespace
  service_account = each.value.name
  role_arn        = aws_iam_role.this[each.value.key].arn

  # Credentials without permissions would be kept until they expire.
  depends_on = [aws_iam_role_policy.this, aws_iam_role_policy_attachment.this]
}
