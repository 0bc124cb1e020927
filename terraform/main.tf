data "aws_partition" "current" {}

data "aws_eks_cluster" "existing" {
  count = var.existing_cluster == null ? 0 : 1

  name = var.cluster_name

  lifecycle {
    postcondition {
      condition     = contains(["API", "API_AND_CONFIG_MAP"], self.access_config[0].authentication_mode)
      error_message = "Cluster ${var.cluster_name} has authentication mode ${self.access_config[0].authentication_mode}; access entries need API or API_AND_CONFIG_MAP."
    }
  }
}

locals {
  tag_key   = "modelyard.dev/cluster"
  partition = data.aws_partition.current.partition
  tags = merge(var.tags, {
    (local.tag_key)             = var.cluster_name
    "modelyard.dev/environment" = var.environment_name
  })

  # Written out, not read from resources, so that policies are known when a plan is made.
  cluster_arn        = "arn:${local.partition}:eks:${var.region}:${var.account_id}:cluster/${var.cluster_name}"
  models_bucket_name = "${var.cluster_name}-models-${var.account_id}"
  models_bucket_arn  = "arn:${local.partition}:s3:::${local.models_bucket_name}"
  log_group_names = {
    control_plane = "/aws/eks/${var.cluster_name}/cluster"
    containers    = "/aws/eks/${var.cluster_name}/containers"
    flow          = "/aws/vpc/${var.cluster_name}/flow"
  }

  makes_cluster = var.existing_cluster == null

  vpc_id             = local.makes_cluster ? module.network[0].vpc_id : var.existing_cluster.vpc_id
  private_subnet_ids = local.makes_cluster ? module.network[0].private_subnet_ids : var.existing_cluster.subnet_ids
  cluster = local.makes_cluster ? {
    name              = module.cluster[0].name
    endpoint          = module.cluster[0].endpoint
    version           = module.cluster[0].version
    security_group_id = module.cluster[0].security_group_id
    } : {
    name              = data.aws_eks_cluster.existing[0].name
    endpoint          = data.aws_eks_cluster.existing[0].endpoint
    version           = data.aws_eks_cluster.existing[0].version
    security_group_id = data.aws_eks_cluster.existing[0].vpc_config[0].cluster_security_group_id
  }

  node_role_names = merge(
    local.makes_cluster && !var.auto_mode ? { managed = module.nodes[0].role_name } : {},
    var.auto_mode ? { auto-mode = module.cluster[0].auto_mode_node_role_name } : { karpenter = module.karpenter[0].node_role_name },
  )
}

module "encryption" {
  source = "./modules/encryption"

  cluster_name    = var.cluster_name
  partition       = local.partition
  region          = var.region
  account_id      = var.account_id
  log_group_names = values(local.log_group_names)

  lustre_bucket_arn = var.lustre == null ? null : local.models_bucket_arn
}

module "network" {
  source = "./modules/network"
  count  = local.makes_cluster ? 1 : 0

  cluster_name             = var.cluster_name
  account_id               = var.account_id
  region                   = var.region
  zones                    = var.zones
  vpc_cidr                 = var.vpc_cidr
  pods_cidr                = var.pods_cidr
  nat_gateways             = var.nat_gateways
  interface_endpoints      = var.interface_endpoints
  flow_log_group_name      = local.log_group_names.flow
  log_retention_days       = var.log_retention_days
  key_arn                  = module.encryption.cluster_key_arn
  partition                = local.partition
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "cluster" {
  source = "./modules/cluster"
  count  = local.makes_cluster ? 1 : 0

  cluster_name             = var.cluster_name
  partition                = local.partition
  kubernetes_version       = var.kubernetes_version
  control_plane_subnet_ids = module.network[0].intra_subnet_ids
  service_cidr             = var.service_cidr
  public_access_cidrs      = var.public_access_cidrs
  admin_principal_arns     = var.admin_principal_arns
  reader_principal_arns    = var.reader_principal_arns
  auto_mode                = var.auto_mode
  key_arn                  = module.encryption.cluster_key_arn
  log_group_name           = local.log_group_names.control_plane
  log_retention_days       = var.log_retention_days
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "nodes" {
  source = "./modules/nodes"
  count  = local.makes_cluster ? 1 : 0

  cluster_name                 = local.cluster.name
  partition                    = local.partition
  kubernetes_version           = var.kubernetes_version
  auto_mode                    = var.auto_mode
  subnet_ids                   = local.private_subnet_ids
  cluster_security_group_id    = local.cluster.security_group_id
  efa_security_group_id        = module.network[0].efa_security_group_id
  system_nodes                 = var.system_nodes
  device_node_groups           = var.device_node_groups
  addon_versions               = var.addon_versions
  shared_file_system           = var.shared_file_system
  lustre                       = var.lustre != null
  pod_identity_association_ids = module.identity.association_ids
  tags                         = local.tags
  permissions_boundary_arn     = var.permissions_boundary_arn
}

module "karpenter" {
  source = "./modules/karpenter"
  count  = var.auto_mode ? 0 : 1

  cluster_name             = local.cluster.name
  cluster_arn              = local.cluster_arn
  partition                = local.partition
  region                   = var.region
  account_id               = var.account_id
  permissions_boundary_arn = var.permissions_boundary_arn
}

# A cluster that is already there is not tagged for Karpenter; one that is made here is, by its own modules.
resource "aws_ec2_tag" "discovery" {
  for_each = local.makes_cluster ? {} : merge(
    { for zone, id in var.existing_cluster.subnet_ids : "subnet-${zone}" => id },
    { security-group = local.cluster.security_group_id },
  )

  resource_id = each.value
  key         = "karpenter.sh/discovery"
  value       = var.cluster_name
}

module "identity" {
  source = "./modules/identity"

  cluster_name             = local.cluster.name
  cluster_arn              = local.cluster_arn
  partition                = local.partition
  region                   = var.region
  account_id               = var.account_id
  auto_mode                = var.auto_mode
  makes_addons             = local.makes_cluster
  environment_name         = var.environment_name
  environment_directory    = "${path.root}/../environments/${var.environment_name}"
  model_namespaces         = var.model_namespaces
  models_bucket_arn        = local.models_bucket_arn
  data_key_arn             = module.encryption.data_key_arn
  secret_arns              = module.secrets.arns
  container_log_group_arn  = module.observability.container_log_group_arn
  shared_file_system       = var.shared_file_system
  shared_file_system_arn   = module.storage.shared_file_system_arn
  lustre                   = var.lustre != null
  managed_prometheus       = var.managed_prometheus
  prometheus_workspace_arn = module.observability.prometheus_workspace_arn
  image_repository_arns    = module.registry.repository_arns
  github                   = var.github
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "storage" {
  source = "./modules/storage"

  cluster_name           = var.cluster_name
  models_bucket_name     = local.models_bucket_name
  models_bucket_arn      = local.models_bucket_arn
  force_destroy          = var.models_bucket_force_destroy
  key_arn                = module.encryption.data_key_arn
  vpc_id                 = local.vpc_id
  subnet_ids             = local.private_subnet_ids
  node_security_group_id = local.cluster.security_group_id
  shared_file_system     = var.shared_file_system
  lustre                 = var.lustre
}

module "registry" {
  source = "./modules/registry"

  cluster_name             = var.cluster_name
  partition                = local.partition
  region                   = var.region
  account_id               = var.account_id
  image_repositories       = var.image_repositories
  pull_through_caches      = var.pull_through_caches
  image_scanning           = var.image_scanning
  node_role_names          = local.node_role_names
  key_arn                  = module.encryption.data_key_arn
  tags                     = local.tags
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "secrets" {
  source = "./modules/secrets"

  cluster_name  = var.cluster_name
  key_arn       = module.encryption.data_key_arn
  recovery_days = var.secret_recovery_days
  further       = var.component_secrets
}

module "observability" {
  source = "./modules/observability"

  cluster_name       = var.cluster_name
  log_group_name     = local.log_group_names.containers
  log_retention_days = var.log_retention_days
  key_arn            = module.encryption.cluster_key_arn
  managed_prometheus = var.managed_prometheus
}

module "budget" {
  source = "./modules/budget"
  count  = var.monthly_budget_usd == null ? 0 : 1

  cluster_name = var.cluster_name
  monthly_usd  = var.monthly_budget_usd
  alert_emails = var.budget_alert_emails
  tag_key      = local.tag_key
  tag_value    = var.cluster_name
}

module "management_host" {
  source = "./modules/management-host"
  count  = var.management_host ? 1 : 0

  cluster_name              = local.cluster.name
  cluster_arn               = local.cluster_arn
  cluster_security_group_id = local.cluster.security_group_id
  kubernetes_version        = var.kubernetes_version
  partition                 = local.partition
  region                    = var.region
  vpc_id                    = local.vpc_id
  subnet_id                 = local.private_subnet_ids[var.zones[0]]
  permissions_boundary_arn  = var.permissions_boundary_arn
}
