locals {
  # Sixteen addresses with one call to EC2, so that pods of a new node need not wait for theirs. Nodes hold no more pods by it:
  # Karpenter and EKS count those by the addresses of interfaces, and neither sets max-pods here.
  vpc_cni = {
    enableNetworkPolicy = "true"
    env = {
      ENABLE_PREFIX_DELEGATION = "true"
      ENABLE_SUBNET_DISCOVERY  = "true"
      WARM_PREFIX_TARGET       = "1"
    }
  }

  before_nodes = toset(var.auto_mode ? [] : ["eks-pod-identity-agent", "kube-proxy", "vpc-cni"])
  after_nodes = toset(concat(
    ["aws-mountpoint-s3-csi-driver", "metrics-server"],
    var.auto_mode ? [] : ["aws-ebs-csi-driver", "coredns", "eks-node-monitoring-agent"],
    var.shared_file_system ? ["aws-efs-csi-driver"] : [],
    var.lustre ? ["aws-fsx-csi-driver"] : [],
  ))
}

resource "aws_eks_addon" "before_nodes" {
  for_each = local.before_nodes

  cluster_name                = var.cluster_name
  addon_name                  = each.key
  addon_version               = lookup(var.addon_versions, each.key, null)
  configuration_values        = each.key == "vpc-cni" ? jsonencode(local.vpc_cni) : null
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  # The CNI asks for credentials when it starts.
  depends_on = [var.pod_identity_association_ids]
}

resource "aws_eks_addon" "after_nodes" {
  for_each = local.after_nodes

  cluster_name                = var.cluster_name
  addon_name                  = each.key
  addon_version               = lookup(var.addon_versions, each.key, null)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  depends_on = [aws_eks_node_group.system, var.pod_identity_association_ids]
}
