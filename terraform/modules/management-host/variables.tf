variable "cluster_name" {
  description = "Name of the cluster."
  type        = string
}

variable "cluster_arn" {
  description = "ARN of the cluster."
  type        = string
}

variable "cluster_security_group_id" {
  description = "Security group that guards the Kubernetes API."
  type        = string
}

variable "kubernetes_version" {
  description = "Kubernetes version whose kubectl is installed."
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

variable "vpc_id" {
  description = "VPC of the host."
  type        = string
}

variable "subnet_id" {
  description = "Private subnet of the host."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role, or null."
  type        = string
}
