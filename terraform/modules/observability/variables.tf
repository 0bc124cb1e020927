variable "cluster_name" {
  description = "Name of the cluster."
  type        = string
}

variable "log_group_name" {
  description = "CloudWatch log group of the containers."
  type        = string
}

variable "log_retention_days" {
  description = "Days that container logs are kept."
  type        = number
}

variable "key_arn" {
  description = "KMS key of the container logs."
  type        = string
}

variable "managed_prometheus" {
  description = "Whether to make an Amazon Managed Service for Prometheus workspace."
  type        = bool
}
