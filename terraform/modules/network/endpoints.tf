resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = concat([aws_route_table.intra.id], [for table in aws_route_table.private : table.id])

  tags = { Name = "${var.cluster_name}-s3" }
}

resource "aws_security_group" "endpoints" {
  name        = "${var.cluster_name}-endpoints"
  description = "HTTPS from the VPC to AWS services"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.cluster_name}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each = { nodes = var.vpc_cidr, pods = var.pods_cidr }

  security_group_id = aws_security_group.endpoints.id
  description       = "HTTPS from ${each.key}"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

# A service is not in every zone of its region; which ones differs from account to account, as the names of zones do.
data "aws_vpc_endpoint_service" "interface" {
  for_each = var.interface_endpoints

  service      = each.key
  service_type = "Interface"
}

resource "aws_vpc_endpoint" "interface" {
  for_each = var.interface_endpoints

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = [for zone, subnet in aws_subnet.intra : subnet.id if contains(data.aws_vpc_endpoint_service.interface[each.key].availability_zones, zone)]
  security_group_ids  = [aws_security_group.endpoints.id]
  private_dns_enabled = true

  tags = { Name = "${var.cluster_name}-${each.key}" }

  lifecycle {
    precondition {
      condition     = length(setintersection(data.aws_vpc_endpoint_service.interface[each.key].availability_zones, var.zones)) > 0
      error_message = "interface_endpoints has ${each.key}, which AWS offers in none of zones (${join(", ", var.zones)}), but in ${join(", ", data.aws_vpc_endpoint_service.interface[each.key].availability_zones)}."
    }
  }
}

# EFA traffic bypasses the IP stack: the group must allow everything from and to itself, by name of the group.
resource "aws_security_group" "efa" {
  # checkov:skip=CKV2_AWS_5:node classes and device node groups attach it
  name        = "${var.cluster_name}-efa"
  description = "Elastic Fabric Adapter traffic between nodes"
  vpc_id      = aws_vpc.this.id

  tags = {
    Name                           = "${var.cluster_name}-efa"
    "modelyard.dev/security-group" = "efa"
  }
}

resource "aws_vpc_security_group_ingress_rule" "efa" {
  security_group_id            = aws_security_group.efa.id
  description                  = "Everything from nodes with EFA"
  referenced_security_group_id = aws_security_group.efa.id
  ip_protocol                  = "-1"
}

resource "aws_vpc_security_group_egress_rule" "efa" {
  security_group_id            = aws_security_group.efa.id
  description                  = "Everything to nodes with EFA"
  referenced_security_group_id = aws_security_group.efa.id
  ip_protocol                  = "-1"
}
