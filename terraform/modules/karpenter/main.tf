# Karpenter's own rights, its nodes' role, and the queue that tells it of interruptions.
# The policies are data, as published for the version that bases/platform/karpenter installs.

locals {
  node_role_name  = "${var.cluster_name}-karpenter-node"
  controller_name = "${var.cluster_name}-karpenter"
  # Written out, not read from the resources: the policies must be known when a plan is made.
  node_role_arn = "arn:${var.partition}:iam::${var.account_id}:role/${local.node_role_name}"
  queue_arn     = "arn:${var.partition}:sqs:${var.region}:${var.account_id}:${local.controller_name}"

  policies = jsondecode(templatefile("${path.module}/policies/${var.karpenter_version}.json.tftpl", {
    partition     = var.partition
    region        = var.region
    account_id    = var.account_id
    cluster_name  = var.cluster_name
    node_role_arn = local.node_role_arn
    queue_arn     = local.queue_arn
  })).policies
}

data "aws_iam_policy_document" "node_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "node" {
  name                 = local.node_role_name
  description          = "Role of the nodes that Karpenter launches"
  assume_role_policy   = data.aws_iam_policy_document.node_trust.json
  permissions_boundary = var.permissions_boundary_arn
}

# The VPC CNI has a role of its own, so nodes carry no right to change networks.
resource "aws_iam_role_policy_attachment" "node" {
  for_each = toset(["AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy", "AmazonSSMManagedInstanceCore"])

  role       = aws_iam_role.node.name
  policy_arn = "arn:${var.partition}:iam::aws:policy/${each.key}"
}

# Without it the nodes start, and never join.
resource "aws_eks_access_entry" "node" {
  cluster_name  = var.cluster_name
  principal_arn = aws_iam_role.node.arn
  type          = "EC2_LINUX"
}

module "controller_trust" {
  source = "../pod-identity-trust"

  cluster_arn      = var.cluster_arn
  service_accounts = [{ namespace = var.namespace, name = var.service_account }]
}

resource "aws_iam_role" "controller" {
  name                 = local.controller_name
  description          = "Role of Karpenter ${var.karpenter_version}"
  assume_role_policy   = module.controller_trust.json
  permissions_boundary = var.permissions_boundary_arn
}

# One policy would pass IAM's limit of 6144 characters.
resource "aws_iam_policy" "controller" {
  for_each = local.policies

  name        = "${local.controller_name}-${each.key}"
  description = "Karpenter ${var.karpenter_version}: ${each.key}"
  policy      = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

resource "aws_iam_role_policy_attachment" "controller" {
  for_each = aws_iam_policy.controller

  role       = aws_iam_role.controller.name
  policy_arn = each.value.arn
}

resource "aws_eks_pod_identity_association" "controller" {
  cluster_name    = var.cluster_name
  namespace       = var.namespace
  service_account = var.service_account
  role_arn        = aws_iam_role.controller.arn
}
