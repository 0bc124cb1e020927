# EKS Auto Mode launches nodes under a role of its own; EKS makes their access entry for the built-in pools.

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
