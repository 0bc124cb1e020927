variable "cluster_name" {
  description = "Name of the cluster, which repositories lie below."
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

variable "image_repositories" {
  description = "Names of repositories for images of your own."
  type        = set(string)
}

variable "pull_through_caches" {
  description = "Public registries to cache, with the secret that holds credentials where one needs them."
  type        = map(object({ credential_arn = string }))
}

variable "node_role_names" {
  description = "Roles of nodes that pull images, by kind of node."
  type        = map(string)
}

variable "key_arn" {
  description = "KMS key of the images."
  type        = string
}
