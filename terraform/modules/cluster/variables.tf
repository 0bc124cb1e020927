variable "cluster_name" {
  description = "Name of the cluster."
  type        = string
}

variable "partition" {
  description = "AWS partition, such as aws."
  type        = string
}

variable "kubernetes_version" {
  description = "Kubernetes version of the control plane."
  type        = string
}

variable "control_plane_subnet_ids" {
  description = "Subnets of the control plane's interfaces, by zone."
  type        = map(string)
}

variable "service_cidr" {
  description = "Addresses of Kubernetes Services."
  type        = string
}

variable "public_access_cidrs" {
  description = "Networks that may reach the API from the internet; none makes the endpoint private."
  type        = list(string)
}

variable "admin_principal_arns" {
  description = "IAM principals that administer the cluster."
  type        = set(string)
}

variable "reader_principal_arns" {
  description = "IAM principals that may read the cluster's resources."
  type        = set(string)
}

variable "auto_mode" {
  description = "Whether EKS runs nodes, networking and block storage."
  type        = bool
}

variable "key_arn" {
  description = "KMS key of Kubernetes secrets and of the logs."
  type        = string
}

variable "log_group_name" {
  description = "CloudWatch log group that EKS writes to."
  type        = string
}

variable "log_retention_days" {
  description = "Days that control plane logs are kept."
  type        = number
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the roles, or null."
  type        = string
}
