variable "cluster_name" {
  description = "Name of the cluster, for the keys' aliases."
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

variable "log_group_names" {
  description = "CloudWatch log groups that may use the cluster's key."
  type        = list(string)
}

variable "lustre_bucket_arn" {
  description = "Bucket that FSx for Lustre shows as files, or null."
  type        = string
}
