# Addresses are cut for six zones whatever their number, so that a zone that is added moves no other zone's addresses:
#   private  vpc_cidr + 4 bits, 0-5      nodes
#   public   vpc_cidr + 8 bits, 96-101   load balancers and NAT gateways
#   intra    vpc_cidr + 8 bits, 112-117  the control plane's interfaces and VPC endpoints; no way to the internet
#   pods     pods_cidr + 3 bits, 0-5     pods

locals {
  zone_index = { for index, zone in var.zones : zone => index }
  nat_zones  = { single = slice(var.zones, 0, 1), per-zone = var.zones, none = [] }[var.nat_gateways]

  # Zones in which AWS does not place a control plane.
  # https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
  zone_ids_without_control_plane = ["cac1-az3", "use1-az3", "usw1-az2"]
  zone_ids                       = zipmap(data.aws_availability_zones.available.names, data.aws_availability_zones.available.zone_ids)
}

data "aws_availability_zones" "available" {
  # checkov:skip=CKV_AWS_394:zones are chosen by name in the variables; this only says which of them are missing
  state = "available"

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

resource "aws_vpc" "this" {
  cidr_block           = var.vpc_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.cluster_name }

  lifecycle {
    precondition {
      condition     = length(setsubtract(var.zones, data.aws_availability_zones.available.names)) == 0
      error_message = "zones names ${join(", ", setsubtract(var.zones, data.aws_availability_zones.available.names))}, which this account does not have; available are ${join(", ", data.aws_availability_zones.available.names)}."
    }
    precondition {
      condition     = length([for zone in var.zones : zone if contains(local.zone_ids_without_control_plane, lookup(local.zone_ids, zone, ""))]) == 0
      error_message = "zones names ${join(", ", [for zone in var.zones : zone if contains(local.zone_ids_without_control_plane, lookup(local.zone_ids, zone, ""))])}, in which EKS places no control plane; choose other zones."
    }
  }
}

resource "aws_vpc_ipv4_cidr_block_association" "pods" {
  vpc_id     = aws_vpc.this.id
  cidr_block = var.pods_cidr
}

# Nothing uses the group that every VPC comes with; without rules it cannot be used by mistake.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.cluster_name}-unused" }
}

resource "aws_subnet" "private" {
  for_each = local.zone_index

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.vpc_cidr, 4, each.value)

  tags = {
    Name                              = "${var.cluster_name}-private-${each.key}"
    "karpenter.sh/discovery"          = var.cluster_name
    "kubernetes.io/role/internal-elb" = "1"
  }
}

resource "aws_subnet" "public" {
  for_each = local.zone_index

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.vpc_cidr, 8, 96 + each.value)

  tags = {
    Name                     = "${var.cluster_name}-public-${each.key}"
    "kubernetes.io/role/elb" = "1"
  }
}

resource "aws_subnet" "intra" {
  for_each = local.zone_index

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.vpc_cidr, 8, 112 + each.value)

  tags = { Name = "${var.cluster_name}-intra-${each.key}" }
}

resource "aws_subnet" "pods" {
  for_each = local.zone_index

  vpc_id            = aws_vpc_ipv4_cidr_block_association.pods.vpc_id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.pods_cidr, 3, each.value)

  tags = {
    Name = "${var.cluster_name}-pods-${each.key}"
    # The VPC CNI finds subnets for pods by this tag, in the zone of the node.
    "kubernetes.io/role/cni" = "1"
  }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = var.cluster_name }
}

resource "aws_eip" "nat" {
  for_each = toset(local.nat_zones)

  domain = "vpc"

  tags = { Name = "${var.cluster_name}-nat-${each.key}" }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_nat_gateway" "this" {
  for_each = toset(local.nat_zones)

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${var.cluster_name}-${each.key}" }
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.cluster_name}-public" }
}

resource "aws_route" "public_internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  for_each = aws_subnet.public

  subnet_id      = each.value.id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table" "private" {
  for_each = local.zone_index

  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.cluster_name}-private-${each.key}" }
}

resource "aws_route" "private_internet" {
  for_each = length(local.nat_zones) == 0 ? {} : local.zone_index

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[contains(local.nat_zones, each.key) ? each.key : local.nat_zones[0]].id
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  subnet_id      = each.value.id
  route_table_id = aws_route_table.private[each.key].id
}

resource "aws_route_table_association" "pods" {
  for_each = aws_subnet.pods

  subnet_id      = each.value.id
  route_table_id = aws_route_table.private[each.key].id
}

resource "aws_route_table" "intra" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.cluster_name}-intra" }
}

resource "aws_route_table_association" "intra" {
  for_each = aws_subnet.intra

  subnet_id      = each.value.id
  route_table_id = aws_route_table.intra.id
}
