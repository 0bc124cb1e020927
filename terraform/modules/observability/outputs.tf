output "container_log_group_arn" {
  description = "ARN of the containers' log group."
  value       = aws_cloudwatch_log_group.containers.arn
}

output "container_log_group_name" {
  description = "Name of the containers' log group."
  value       = aws_cloudwatch_log_group.containers.name
}

output "prometheus_workspace_arn" {
  description = "ARN of the managed Prometheus workspace, or null."
  value       = one(aws_prometheus_workspace.this[*].arn)
}

output "prometheus_endpoint" {
  description = "Address of the managed Prometheus workspace, or null."
  value       = one(aws_prometheus_workspace.this[*].prometheus_endpoint)
}
