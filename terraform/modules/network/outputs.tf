output "vpc_id" {
  description = "Id of the VPC. It is known when nodes and pods have a way out."
  value       = aws_vpc.this.id

  # A node that starts before its route exists never joins; a NAT gateway that goes first strands those that leave.
  depends_on = [aws_route.private_internet, aws_route_table_association.private, aws_route_table_association.pods]
}

output "private_subnet_ids" {
  description = "Subnets of the nodes, by zone."
  value       = { for zone, subnet in aws_subnet.private : zone => subnet.id }
  depends_on  = [aws_route.private_internet, aws_route_table_association.private, aws_route_table_association.pods]
}

output "public_subnet_ids" {
  description = "Subnets of load balancers that face the internet, by zone."
  value       = { for zone, subnet in aws_subnet.public : zone => subnet.id }
}

output "intra_subnet_ids" {
  description = "Subnets of the control plane's interfaces, by zone."
  value       = { for zone, subnet in aws_subnet.intra : zone => subnet.id }
}

output "pod_subnet_ids" {
  description = "Subnets of the pods, by zone."
  value       = { for zone, subnet in aws_subnet.pods : zone => subnet.id }
}

output "efa_security_group_id" {
  description = "Security group for nodes with EFA."
  value       = aws_security_group.efa.id
}
