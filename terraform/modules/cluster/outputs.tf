output "name" {
  description = "Name of the cluster, known when the cluster is there."
  value       = aws_eks_cluster.this.name
}

output "arn" {
  description = "ARN of the cluster."
  value       = aws_eks_cluster.this.arn
}

output "endpoint" {
  description = "Address of the Kubernetes API."
  value       = aws_eks_cluster.this.endpoint
}

output "version" {
  description = "Kubernetes version of the control plane."
  value       = aws_eks_cluster.this.version
}

output "security_group_id" {
  description = "Security group that control plane and nodes share."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "auto_mode_node_role_name" {
  description = "Role of the nodes of EKS Auto Mode, or null."
  value       = one(aws_iam_role.auto_mode_node[*].name)
}
