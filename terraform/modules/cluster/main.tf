resource "aws_cloudwatch_log_group" "control_plane" {
  name              = var.log_group_name
  retention_in_days = var.log_retention_days
  kms_key_id        = var.key_arn
}

data "aws_iam_policy_document" "cluster_trust" {
  statement {
    # Auto Mode tags what it makes; a session without that right cannot.
    actions = var.auto_mode ? ["sts:AssumeRole", "sts:TagSession"] : ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["eks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "cluster" {
  name                 = "${var.cluster_name}-control-plane"
  description          = "Role of the EKS control plane of ${var.cluster_name}"
  assume_role_policy   = data.aws_iam_policy_document.cluster_trust.json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy_attachment" "cluster" {
  for_each = toset(concat(
    ["AmazonEKSClusterPolicy"],
    var.auto_mode ? ["AmazonEKSBlockStoragePolicy", "AmazonEKSComputePolicy", "AmazonEKSLoadBalancingPolicy", "AmazonEKSNetworkingPolicy"] : [],
  ))

  role       = aws_iam_role.cluster.name
  policy_arn = "arn:${var.partition}:iam::aws:policy/${each.key}"
}

data "aws_iam_policy_document" "encrypt_secrets" {
  statement {
    sid       = "EncryptKubernetesSecrets"
    actions   = ["kms:DescribeKey", "kms:Encrypt", "kms:Decrypt", "kms:ListGrants"]
    resources = [var.key_arn]
  }
}

resource "aws_iam_role_policy" "encrypt_secrets" {
  name   = "encrypt-secrets"
  role   = aws_iam_role.cluster.name
  policy = data.aws_iam_policy_document.encrypt_secrets.json
}

resource "aws_eks_cluster" "this" {
  name                          = var.cluster_name
  version                       = var.kubernetes_version
  role_arn                      = aws_iam_role.cluster.arn
  enabled_cluster_log_types     = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
  bootstrap_self_managed_addons = false

  access_config {
    authentication_mode = "API"
    # Without a named administrator nobody else could ever get in.
    bootstrap_cluster_creator_admin_permissions = length(var.admin_principal_arns) == 0
  }

  vpc_config {
    subnet_ids              = values(var.control_plane_subnet_ids)
    endpoint_private_access = true
    endpoint_public_access  = length(var.public_access_cidrs) > 0
    public_access_cidrs     = length(var.public_access_cidrs) > 0 ? var.public_access_cidrs : null
  }

  kubernetes_network_config {
    service_ipv4_cidr = var.service_cidr

    dynamic "elastic_load_balancing" {
      for_each = var.auto_mode ? [1] : []

      content {
        enabled = true
      }
    }
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = var.key_arn
    }
  }

  # An upgrade is a change that people review, never AWS's own decision at the end of standard support.
  upgrade_policy {
    support_type = "EXTENDED"
  }

  dynamic "compute_config" {
    for_each = var.auto_mode ? [1] : []

    content {
      enabled       = true
      node_pools    = ["general-purpose", "system"]
      node_role_arn = aws_iam_role.auto_mode_node[0].arn
    }
  }

  dynamic "storage_config" {
    for_each = var.auto_mode ? [1] : []

    content {
      block_storage {
        enabled = true
      }
    }
  }

  lifecycle {
    # It counts at creation only, and changing it would replace the cluster.
    ignore_changes = [access_config[0].bootstrap_cluster_creator_admin_permissions]
  }

  depends_on = [
    aws_cloudwatch_log_group.control_plane,
    aws_iam_role_policy_attachment.cluster,
    aws_iam_role_policy.encrypt_secrets,
  ]
}

# EKS makes the group that control plane and nodes share; Karpenter finds it by this tag.
resource "aws_ec2_tag" "discovery" {
  resource_id = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
  key         = "karpenter.sh/discovery"
  value       = var.cluster_name
}

resource "aws_eks_access_entry" "people" {
  for_each = merge(
    { for arn in var.admin_principal_arns : arn => "admin" },
    { for arn in var.reader_principal_arns : arn => "reader" },
  )

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = each.key
  type          = "STANDARD"
}

resource "aws_eks_access_policy_association" "people" {
  for_each = merge(
    { for arn in var.admin_principal_arns : arn => "AmazonEKSClusterAdminPolicy" },
    # The view policy shows no Kubernetes secrets.
    { for arn in var.reader_principal_arns : arn => "AmazonEKSViewPolicy" },
  )

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = aws_eks_access_entry.people[each.key].principal_arn
  policy_arn    = "arn:${var.partition}:eks::aws:cluster-access-policy/${each.value}"

  access_scope {
    type = "cluster"
  }
}
