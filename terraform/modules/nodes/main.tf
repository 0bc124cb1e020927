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
  count = var.auto_mode ? 0 : 1

  name                 = "${var.cluster_name}-managed-node"
  description          = "Role of the managed node groups of ${var.cluster_name}"
  assume_role_policy   = data.aws_iam_policy_document.node_trust.json
  permissions_boundary = var.permissions_boundary_arn
}

# The VPC CNI has a role of its own, so nodes carry no right to change networks.
resource "aws_iam_role_policy_attachment" "node" {
  for_each = toset(var.auto_mode ? [] : ["AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy", "AmazonSSMManagedInstanceCore"])

  role       = aws_iam_role.node[0].name
  policy_arn = "arn:${var.partition}:iam::aws:policy/${each.key}"
}

resource "aws_launch_template" "system" {
  count = var.auto_mode ? 0 : 1

  name                   = "${var.cluster_name}-system"
  description            = "Nodes for what must run before Karpenter can"
  update_default_version = true
  vpc_security_group_ids = [var.cluster_security_group_id]

  # Bottlerocket: the system on the first volume, images and containers on the second.
  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = 4
      encrypted             = true
      delete_on_termination = true
    }
  }

  block_device_mappings {
    device_name = "/dev/xvdb"

    ebs {
      volume_type           = "gp3"
      volume_size           = var.system_nodes.disk_gib
      encrypted             = true
      delete_on_termination = true
    }
  }

  # One hop keeps pods from the node's credentials.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "network-interface", "volume"])

    content {
      resource_type = tag_specifications.key
      tags          = merge(var.tags, { Name = "${var.cluster_name}-system" })
    }
  }
}

resource "aws_eks_node_group" "system" {
  count = var.auto_mode ? 0 : 1

  cluster_name    = var.cluster_name
  node_group_name = "system"
  node_role_arn   = aws_iam_role.node[0].arn
  version         = var.kubernetes_version
  subnet_ids      = values(var.subnet_ids)
  ami_type        = var.system_nodes.ami_type
  instance_types  = var.system_nodes.instance_types
  capacity_type   = "ON_DEMAND"

  scaling_config {
    min_size     = var.system_nodes.min_size
    max_size     = var.system_nodes.max_size
    desired_size = var.system_nodes.min_size
  }

  update_config {
    max_unavailable = 1
  }

  launch_template {
    id      = aws_launch_template.system[0].id
    version = aws_launch_template.system[0].latest_version
  }

  node_repair_config {
    enabled = true
  }

  lifecycle {
    # People and autoscalers move it between the limits.
    ignore_changes = [scaling_config[0].desired_size]
  }

  # A node is Ready only with a network, so the CNI is there first; and it needs its permissions until it is gone.
  depends_on = [
    aws_eks_addon.before_nodes,
    aws_iam_role_policy_attachment.node,
  ]
}
