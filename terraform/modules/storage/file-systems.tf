resource "aws_security_group" "efs" {
  count = var.shared_file_system ? 1 : 0

  name        = "${var.cluster_name}-efs"
  description = "NFS from the nodes"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.cluster_name}-efs" }
}

resource "aws_vpc_security_group_ingress_rule" "efs" {
  count = var.shared_file_system ? 1 : 0

  security_group_id            = aws_security_group.efs[0].id
  description                  = "NFS from the nodes"
  referenced_security_group_id = var.node_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
}

resource "aws_efs_file_system" "this" {
  count = var.shared_file_system ? 1 : 0

  creation_token   = var.cluster_name
  encrypted        = true
  kms_key_id       = var.key_arn
  performance_mode = "generalPurpose"
  throughput_mode  = "elastic"

  lifecycle_policy {
    transition_to_ia = "AFTER_30_DAYS"
  }
  lifecycle_policy {
    transition_to_primary_storage_class = "AFTER_1_ACCESS"
  }

  tags = { Name = var.cluster_name }
}

data "aws_iam_policy_document" "efs" {
  count = var.shared_file_system ? 1 : 0

  statement {
    sid       = "MountFromMountTargets"
    actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientRootAccess", "elasticfilesystem:ClientWrite"]
    resources = [aws_efs_file_system.this[0].arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    # Only through the mount targets below, whose security group lets in nodes alone.
    condition {
      test     = "Bool"
      variable = "elasticfilesystem:AccessedViaMountTarget"
      values   = ["true"]
    }
  }
  statement {
    sid       = "OnlyByTls"
    effect    = "Deny"
    actions   = ["*"]
    resources = [aws_efs_file_system.this[0].arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_efs_file_system_policy" "this" {
  count = var.shared_file_system ? 1 : 0

  file_system_id = aws_efs_file_system.this[0].id
  policy         = data.aws_iam_policy_document.efs[0].json
}

resource "aws_efs_mount_target" "this" {
  for_each = var.shared_file_system ? var.subnet_ids : {}

  file_system_id  = aws_efs_file_system.this[0].id
  subnet_id       = each.value
  security_groups = [aws_security_group.efs[0].id]
}

# https://docs.aws.amazon.com/fsx/latest/LustreGuide/limit-access-security-groups.html
resource "aws_security_group" "lustre" {
  count = var.lustre == null ? 0 : 1

  name        = "${var.cluster_name}-lustre"
  description = "Lustre between nodes and file servers"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.cluster_name}-lustre" }
}

locals {
  lustre_ports = { first = [988, 988], second = [1018, 1023] }
  lustre_peers = { nodes = var.node_security_group_id, servers = one(aws_security_group.lustre[*].id) }
  lustre_rules = var.lustre == null ? {} : {
    for pair in setproduct(keys(local.lustre_ports), ["nodes", "servers"]) : "${pair[1]}-${pair[0]}" => { ports = pair[0], peer = pair[1] }
  }
}

resource "aws_vpc_security_group_ingress_rule" "lustre" {
  for_each = local.lustre_rules

  security_group_id            = aws_security_group.lustre[0].id
  description                  = "Lustre from ${each.value.peer}"
  referenced_security_group_id = local.lustre_peers[each.value.peer]
  ip_protocol                  = "tcp"
  from_port                    = local.lustre_ports[each.value.ports][0]
  to_port                      = local.lustre_ports[each.value.ports][1]
}

resource "aws_vpc_security_group_egress_rule" "lustre" {
  for_each = local.lustre_rules

  security_group_id            = aws_security_group.lustre[0].id
  description                  = "Lustre to ${each.value.peer}"
  referenced_security_group_id = local.lustre_peers[each.value.peer]
  ip_protocol                  = "tcp"
  from_port                    = local.lustre_ports[each.value.ports][0]
  to_port                      = local.lustre_ports[each.value.ports][1]
}

resource "aws_fsx_lustre_file_system" "this" {
  count = var.lustre == null ? 0 : 1

  deployment_type             = "PERSISTENT_2"
  storage_type                = "SSD"
  storage_capacity            = var.lustre.storage_gib
  per_unit_storage_throughput = var.lustre.throughput_mb_per_s_per_tib
  # Weights are compressed numbers already; LZ4 costs little and helps what lies beside them.
  data_compression_type = "LZ4"
  subnet_ids            = [var.subnet_ids[coalesce(var.lustre.zone, sort(keys(var.subnet_ids))[0])]]
  security_group_ids    = [aws_security_group.lustre[0].id]
  kms_key_id            = var.key_arn

  tags = { Name = var.cluster_name }
}

resource "aws_fsx_data_repository_association" "weights" {
  count = var.lustre == null ? 0 : 1

  file_system_id                   = aws_fsx_lustre_file_system.this[0].id
  file_system_path                 = "/weights"
  data_repository_path             = trimsuffix("s3://${aws_s3_bucket.models.id}/${var.lustre.bucket_prefix}", "/")
  batch_import_meta_data_on_create = true

  # The bucket is the truth: what changes there shows here, and nothing flows back.
  s3 {
    auto_import_policy {
      events = ["CHANGED", "DELETED", "NEW"]
    }
  }
}
