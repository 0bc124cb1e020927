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

variable "karpenter_version" {
  description = "Version of Karpenter that the policies are for; a file of that name lies in policies/."
  type        = string
  default     = "1.14.1"
}

variable "namespace" {
  description = "Namespace that Karpenter runs in."
  type        = string
  default     = "kube-system"
}

variable "service_account" {
  description = "Service account that Karpenter runs as."
  type        = string
  default     = "karpenter"
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the roles, or null."
  type        = string
}
