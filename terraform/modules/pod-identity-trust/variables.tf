variable "cluster_arn" {
  description = "ARN of the cluster."
  type        = string
}

variable "service_accounts" {
  description = "Kubernetes service accounts that take the role."
  type        = list(object({ namespace = string, name = string }))
}
