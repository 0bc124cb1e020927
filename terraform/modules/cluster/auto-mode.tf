# EKS Auto Mode launches nodes under a role of its own; EKS makes their access entry for the built-in pools, and pools of
# this repository take the same role.

data "aws_iam_policy_document" "auto_mode_node_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "auto_mode_node" {
  count = var.auto_mode ? 1 : 0

  name                 = "${var.cluster_name}-auto-mode-node"
  description          = "Role of the nodes that EKS Auto Mode launches"
  assume_role_policy   = data.aws_iam_policy_document.auto_mode_node_trust.json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy_attachment" "auto_mode_node" {
  for_each = var.auto_mode ? toset(["AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly"]) : []

  role       = aws_iam_role.auto_mode_node[0].name
  policy_arn = "arn:${var.partition}:iam::aws:policy/${each.key}"
}

# AWS's own policies for Auto Mode let it set its own tags alone; with one more, every request for a node is denied.
# https://docs.aws.amazon.com/eks/latest/userguide/auto-learn-iam.html#tag-prop
data "aws_iam_policy_document" "tag_nodes" {
  # checkov:skip=CKV_AWS_356:what it launches has no name before; every request carries the tags of this cluster and a pool of it
  # checkov:skip=CKV_AWS_111:what it launches has no name before; every request carries the tags of this cluster and a pool of it
  statement {
    sid       = "LaunchNodesOfThisCluster"
    actions   = ["ec2:CreateFleet", "ec2:CreateLaunchTemplate", "ec2:RunInstances"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/eks:eks-cluster-name"
      values   = ["&{aws:PrincipalTag/eks:eks-cluster-name}"]
    }
    condition {
      test     = "StringLike"
      variable = "aws:RequestTag/eks:kubernetes-node-class-name"
      values   = ["*"]
    }
    condition {
      test     = "StringLike"
      variable = "aws:RequestTag/eks:kubernetes-node-pool-name"
      values   = ["*"]
    }
  }
  statement {
    sid       = "GiveThemNetworkInterfaces"
    actions   = ["ec2:CreateNetworkInterface"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/eks:eks-cluster-name"
      values   = ["&{aws:PrincipalTag/eks:eks-cluster-name}"]
    }
    condition {
      test     = "StringLike"
      variable = "aws:RequestTag/eks:kubernetes-cni-node-name"
      values   = ["*"]
    }
  }
}

resource "aws_iam_role_policy" "tag_nodes" {
  count = var.auto_mode ? 1 : 0

  name   = "tag-nodes"
  role   = aws_iam_role.cluster.name
  policy = data.aws_iam_policy_document.tag_nodes.json
}
