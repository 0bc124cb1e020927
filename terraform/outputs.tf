# install.sh and cleanup.sh read these; `modelyard env sync` writes what only the cloud knows into environment.yaml.

output "account_id" {
  description = "AWS account of the environment."
  value       = var.account_id
}

output "region" {
  description = "AWS region of the environment."
  value       = var.region
}

output "zones" {
  description = "Availability zones of the environment."
  value       = var.zones
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = local.cluster.name
}

output "cluster_endpoint" {
  description = "Address of the Kubernetes API."
  value       = local.cluster.endpoint
}

output "cluster_endpoint_is_private" {
  description = "Whether the Kubernetes API can be reached from inside the VPC only."
  value       = local.makes_cluster ? length(var.public_access_cidrs) == 0 : !data.aws_eks_cluster.existing[0].vpc_config[0].endpoint_public_access
}

output "kubernetes_version" {
  description = "Kubernetes version of the control plane."
  value       = local.cluster.version
}

output "cluster_security_group_id" {
  description = "Security group that control plane and nodes share."
  value       = local.cluster.security_group_id
}

output "addon_versions" {
  description = "Versions of the EKS add-ons that run, to be written into the variable of the same name."
  value       = local.makes_cluster ? module.nodes[0].addon_versions : {}
}

output "vpc_id" {
  description = "VPC of the cluster, which the load balancer controller's settings name."
  value       = local.vpc_id
}

output "private_subnet_ids" {
  description = "Subnets of the nodes, by zone."
  value       = local.private_subnet_ids
}

output "karpenter_node_role_name" {
  description = "Role that EC2NodeClasses name, or null with Auto Mode."
  value       = one(module.karpenter[*].node_role_name)
}

output "karpenter_queue_name" {
  description = "Interruption queue that Karpenter's settings name, or null with Auto Mode."
  value       = one(module.karpenter[*].queue_name)
}

output "auto_mode_node_role_name" {
  description = "Role that NodeClasses of EKS Auto Mode name, or null without it."
  value       = one(module.cluster[*].auto_mode_node_role_name)
}

output "models_bucket_name" {
  description = "Bucket with the weights."
  value       = module.storage.models_bucket_name
}

output "shared_file_system_id" {
  description = "EFS file system, or null."
  value       = module.storage.shared_file_system_id
}

output "lustre" {
  description = "Id, DNS name and mount name of the FSx for Lustre file system, or null."
  value       = module.storage.lustre
}

output "image_repository_urls" {
  description = "ECR repositories for images of your own, by name."
  value       = module.registry.repository_urls
}

output "pull_through_cache_prefixes" {
  description = "What to write in place of a public registry's host, by registry."
  value       = module.registry.cache_prefixes
}

output "secret_names" {
  description = "Secrets Manager secrets that wait for their values."
  value       = module.secrets.names
}

output "container_log_group_name" {
  description = "CloudWatch log group that Fluent Bit writes to."
  value       = module.observability.container_log_group_name
}

output "prometheus_endpoint" {
  description = "Address of the managed Prometheus workspace, or null."
  value       = module.observability.prometheus_endpoint
}

output "github_role_arns" {
  description = "Roles that GitHub Actions assumes, by purpose (plan, apply, upload): values of the variable AWS_ROLE_ARN of GitHub's environments."
  value       = module.identity.github_role_arns
}

output "management_host_instance_id" {
  description = "Management host for aws ssm start-session, or null."
  value       = one(module.management_host[*].instance_id)
}

output "quota_shortfalls" {
  description = "Quotas below what the pools could ask for, by family: has and wanted in vCPUs."
  value       = local.quota_shortfalls
}
