# Nodes with accelerators that Karpenter cannot provision: devices claimed through DRA, and capacity blocks.

locals {
  # The node's own interface, then one for EFA alone on each card; card 0 has its second place for it.
  # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.md (read 2026-11-21)
  interfaces = {
    for name, group in var.device_node_groups : name => length(group.efa_network_cards) == 0 ? [] : concat(
      [{ card = 0, place = 0, type = "interface", groups = compact([var.cluster_security_group_id, var.efa_security_group_id]) }],
      [for card in group.efa_network_cards : {
        card = card, place = card == 0 ? 1 : 0, type = "efa-only", groups = compact([var.efa_security_group_id])
      }],
    )
  }
  is_bottlerocket = { for name, group in var.device_node_groups : name => startswith(group.ami_type, "BOTTLEROCKET_") }
}

# Nodes that stand close together, for ranks that talk over EFA. A capacity block stands so by itself.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-groups.html
resource "aws_placement_group" "device" {
  for_each = { for name, group in var.device_node_groups : name => group if group.placement_group }

  name     = "${var.cluster_name}-${each.key}"
  strategy = "cluster"
}

resource "aws_launch_template" "device" {
  for_each = var.device_node_groups

  name                   = "${var.cluster_name}-${each.key}"
  description            = "Accelerated nodes of group ${each.key}"
  update_default_version = true
  # Groups are named for each interface as soon as one interface is.
  vpc_security_group_ids = length(local.interfaces[each.key]) > 0 ? null : compact([var.cluster_security_group_id, var.efa_security_group_id])
  # The same node that Karpenter would make: EKS itself writes nothing about disks and images, and adds how to join.
  user_data = local.is_bottlerocket[each.key] ? filebase64("${path.module}/user-data/bottlerocket.toml") : base64encode(
    templatefile("${path.module}/user-data/al2023.mime.tftpl", { mig_profiles = each.value.mig_profiles })
  )
  # For a capacity block EKS reads the instance type here.
  instance_type = each.value.capacity_reservation_id == null ? null : each.value.instance_types[0]

  dynamic "network_interfaces" {
    for_each = local.interfaces[each.key]

    content {
      network_card_index    = network_interfaces.value.card
      device_index          = network_interfaces.value.place
      interface_type        = network_interfaces.value.type
      security_groups       = network_interfaces.value.groups
      delete_on_termination = true
    }
  }

  dynamic "block_device_mappings" {
    for_each = local.is_bottlerocket[each.key] ? { "/dev/xvda" = 4, "/dev/xvdb" = each.value.disk_gib } : { "/dev/xvda" = each.value.disk_gib }

    content {
      device_name = block_device_mappings.key

      ebs {
        volume_type           = "gp3"
        volume_size           = block_device_mappings.value
        iops                  = block_device_mappings.value == 4 ? null : each.value.disk_iops
        throughput            = block_device_mappings.value == 4 ? null : each.value.disk_mib_per_s
        encrypted             = true
        delete_on_termination = true
      }
    }
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  dynamic "placement" {
    for_each = each.value.placement_group ? [aws_placement_group.device[each.key].name] : []

    content {
      group_name = placement.value
    }
  }

  dynamic "instance_market_options" {
    for_each = each.value.capacity_reservation_id == null ? [] : [1]

    content {
      market_type = "capacity-block"
    }
  }

  dynamic "capacity_reservation_specification" {
    for_each = each.value.capacity_reservation_id == null ? [] : [each.value.capacity_reservation_id]

    content {
      capacity_reservation_target {
        capacity_reservation_id = capacity_reservation_specification.value
      }
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "network-interface", "volume"])

    content {
      resource_type = tag_specifications.key
      tags          = merge(var.tags, { Name = "${var.cluster_name}-${each.key}" })
    }
  }
}

resource "aws_eks_node_group" "device" {
  for_each = var.device_node_groups

  cluster_name    = var.cluster_name
  node_group_name = each.key
  node_role_arn   = aws_iam_role.node[0].arn
  version         = var.kubernetes_version
  subnet_ids      = [for zone in coalesce(each.value.zones, keys(var.subnet_ids)) : var.subnet_ids[zone]]
  ami_type        = each.value.ami_type
  instance_types  = each.value.capacity_reservation_id == null ? each.value.instance_types : null
  capacity_type   = each.value.capacity_reservation_id == null ? "ON_DEMAND" : "CAPACITY_BLOCK"
  labels          = each.value.labels

  scaling_config {
    min_size     = each.value.min_size
    max_size     = each.value.max_size
    desired_size = each.value.min_size
  }

  update_config {
    max_unavailable = 1
  }

  launch_template {
    id      = aws_launch_template.device[each.key].id
    version = aws_launch_template.device[each.key].latest_version
  }

  dynamic "taint" {
    for_each = each.value.taints

    content {
      key    = taint.value.key
      value  = taint.value.value
      effect = taint.value.effect
    }
  }

  node_repair_config {
    enabled = true
  }

  lifecycle {
    ignore_changes = [scaling_config[0].desired_size]
  }

  depends_on = [
    aws_eks_addon.before_nodes,
    aws_iam_role_policy_attachment.node,
  ]
}
