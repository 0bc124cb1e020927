# Who may take a role by EKS Pod Identity. The association gives it to an account in a namespace of a cluster; the trust says the
# same, so that an association made by mistake elsewhere does not carry it.

data "aws_iam_policy_document" "this" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/eks-cluster-arn"
      values   = [var.cluster_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/kubernetes-namespace"
      values   = distinct([for account in var.service_accounts : account.namespace])
    }
    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/kubernetes-service-account"
      values   = distinct([for account in var.service_accounts : account.name])
    }
  }
}
