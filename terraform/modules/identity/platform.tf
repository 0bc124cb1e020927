locals {
  # The accounts of add-ons are made where the add-ons are: not in a cluster that is already there, and less in Auto Mode,
  # where EKS runs networking, block storage and load balancing itself.
  platform_accounts = {
    for key, account in {
      vpc-cni = {
        wanted           = var.makes_addons && !var.auto_mode
        description      = "The VPC CNI gives pods their addresses"
        service_accounts = [{ namespace = "kube-system", name = "aws-node" }]
        managed_policy   = "AmazonEKS_CNI_Policy"
        policy           = null
      }
      ebs-csi = {
        wanted           = var.makes_addons && !var.auto_mode
        description      = "The EBS CSI driver manages the volumes that it made itself"
        service_accounts = [{ namespace = "kube-system", name = "ebs-csi-controller-sa" }]
        managed_policy   = "AmazonEBSCSIDriverPolicyV2"
        policy           = null
      }
      efs-csi = {
        wanted           = var.makes_addons && var.shared_file_system
        description      = "The EFS CSI driver makes access points on the shared file system"
        service_accounts = [{ namespace = "kube-system", name = "efs-csi-controller-sa" }]
        managed_policy   = null
        policy           = data.aws_iam_policy_document.efs_csi.json
      }
      fsx-csi = {
        wanted           = var.makes_addons && var.lustre
        description      = "The FSx CSI driver reads what Terraform made"
        service_accounts = [{ namespace = "kube-system", name = "fsx-csi-controller-sa" }]
        managed_policy   = null
        policy           = data.aws_iam_policy_document.fsx_csi.json
      }
      s3-csi = {
        wanted           = var.makes_addons
        description      = "The Mountpoint driver shows the weights as files"
        service_accounts = [{ namespace = "kube-system", name = "s3-csi-driver-sa" }]
        managed_policy   = null
        policy           = data.aws_iam_policy_document.read_weights.json
      }
      load-balancer-controller = {
        wanted           = !var.auto_mode
        description      = "The AWS Load Balancer Controller makes load balancers for Services and Gateways"
        service_accounts = [{ namespace = "kube-system", name = "aws-load-balancer-controller" }]
        managed_policy   = null
        policy           = local.load_balancer_policy
      }
      external-secrets = {
        wanted           = true
        description      = "External Secrets reads this environment's secrets"
        service_accounts = [{ namespace = "external-secrets", name = "external-secrets" }]
        managed_policy   = null
        policy           = data.aws_iam_policy_document.read_secrets.json
      }
      fluent-bit = {
        wanted           = true
        description      = "Fluent Bit writes container logs"
        service_accounts = [{ namespace = "logging", name = "fluent-bit" }]
        managed_policy   = null
        policy           = data.aws_iam_policy_document.write_logs.json
      }
      grafana = {
        wanted           = true
        description      = "Grafana reads container logs"
        service_accounts = [{ namespace = "monitoring", name = "grafana" }]
        managed_policy   = null
        policy           = data.aws_iam_policy_document.read_logs.json
      }
      prometheus = {
        wanted           = var.managed_prometheus
        description      = "Prometheus writes metrics to the managed workspace"
        service_accounts = [{ namespace = "monitoring", name = "prometheus" }]
        managed_policy   = null
        policy           = data.aws_iam_policy_document.write_metrics.json
      }
    } : key => account if account.wanted
  }

  load_balancer_policy = jsonencode({
    Version = "2012-10-17"
    Statement = jsondecode(templatefile("${path.module}/policies/load-balancer-controller-3.5.0.json.tftpl", {
      partition  = var.partition
      region     = var.region
      account_id = var.account_id
    })).statements
  })
}

data "aws_iam_policy_document" "efs_csi" {
  # checkov:skip=CKV_AWS_356:the driver finds file systems by describing all of them; what changes anything names them
  # Listing and creating have no narrower resource; access points that the driver made carry its tag.
  statement {
    sid       = "Describe"
    actions   = ["ec2:DescribeAvailabilityZones", "elasticfilesystem:DescribeAccessPoints", "elasticfilesystem:DescribeFileSystems", "elasticfilesystem:DescribeMountTargets"]
    resources = ["*"]
  }
  statement {
    sid       = "CreateAccessPoint"
    actions   = ["elasticfilesystem:CreateAccessPoint"]
    resources = compact([var.shared_file_system_arn])

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/efs.csi.aws.com/cluster"
      values   = ["true"]
    }
  }
  statement {
    sid       = "ChangeOwnAccessPoints"
    actions   = ["elasticfilesystem:DeleteAccessPoint", "elasticfilesystem:TagResource"]
    resources = ["arn:${var.partition}:elasticfilesystem:${var.region}:${var.account_id}:access-point/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/efs.csi.aws.com/cluster"
      values   = ["true"]
    }
  }
}

data "aws_iam_policy_document" "fsx_csi" {
  statement {
    sid       = "DescribeFileSystems"
    actions   = ["fsx:DescribeFileSystems"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "read_secrets" {
  statement {
    sid       = "ReadNamedSecrets"
    actions   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    resources = values(var.secret_arns)
  }
  statement {
    sid       = "DecryptThem"
    actions   = ["kms:Decrypt"]
    resources = [var.data_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${var.region}.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "write_logs" {
  statement {
    sid       = "WriteContainerLogs"
    actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = ["${var.container_log_group_arn}:*"]
  }
}

data "aws_iam_policy_document" "read_logs" {
  # checkov:skip=CKV_AWS_356:a query is named only by the id that starting it gives; which logs it reads is said when it starts
  statement {
    sid       = "QueryContainerLogs"
    actions   = ["logs:GetLogEvents", "logs:GetLogGroupFields", "logs:StartQuery"]
    resources = [var.container_log_group_arn, "${var.container_log_group_arn}:*"]
  }
  statement {
    sid       = "FollowQueries"
    actions   = ["logs:DescribeLogGroups", "logs:GetQueryResults", "logs:StopQuery"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "write_metrics" {
  statement {
    sid       = "RemoteWrite"
    actions   = ["aps:RemoteWrite"]
    resources = compact([var.prometheus_workspace_arn])
  }
}
