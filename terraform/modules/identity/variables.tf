variable "cluster_name" {
  description = "Name of the cluster."
  type        = string
}

variable "cluster_arn" {
  description = "ARN of the cluster."
  type        = string
}

variable "partition" {
  description = "AWS partition, such as aws."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "account_id" {
  description = "AWS account."
  type        = string
}

variable "auto_mode" {
  description = "Whether EKS runs networking, block storage and load balancing itself."
  type        = bool
}

variable "makes_addons" {
  description = "Whether EKS add-ons are made for this cluster."
  type        = bool
}

variable "environment_directory" {
  description = "The environment's folder, whose models may have an identity.yaml."
  type        = string
}

variable "model_namespaces" {
  description = "Namespaces with an account `model`."
  type        = set(string)
}

variable "models_bucket_arn" {
  description = "ARN of the bucket with the weights."
  type        = string
}

variable "data_key_arn" {
  description = "KMS key of weights and secrets."
  type        = string
}

variable "secret_arns" {
  description = "Secrets that External Secrets may read, by name."
  type        = map(string)
}

variable "container_log_group_arn" {
  description = "Log group that Fluent Bit writes to."
  type        = string
}

variable "shared_file_system" {
  description = "Whether there is an EFS file system."
  type        = bool
}

variable "shared_file_system_arn" {
  description = "ARN of the EFS file system, or null."
  type        = string
}

variable "lustre" {
  description = "Whether there is an FSx for Lustre file system."
  type        = bool
}

variable "managed_prometheus" {
  description = "Whether there is a managed Prometheus workspace."
  type        = bool
}

variable "prometheus_workspace_arn" {
  description = "ARN of the managed Prometheus workspace, or null."
  type        = string
}

variable "image_repository_arns" {
  description = "ECR repositories that GitHub Actions may push to."
  type        = list(string)
}

variable "environment_name" {
  description = "Name of the environment, after which GitHub's environments are named."
  type        = string
}

variable "github" {
  description = "Repository, its ids, subjects for each purpose and perhaps the account's OIDC provider, or null."
  type = object({
    repository        = string
    owner_id          = string
    repository_id     = string
    plan_subjects     = list(string)
    apply_subjects    = list(string)
    apply_policy_arns = list(string)
    upload_subjects   = list(string)
    provider_arn      = string
  })
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the roles, or null."
  type        = string
}
