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
  description = "Public registries to cache, with the secret that holds credentials where one needs them, and whether a cached tag stays what it was."
  type = map(object({
    credential_arn = string
    immutable_tags = bool
  }))
}

variable "node_role_names" {
  description = "Roles of nodes that pull images, by kind of node."
  type        = map(string)
}

variable "key_arn" {
  description = "KMS key of the images."
  type        = string
}

variable "image_scanning" {
  description = "Scan images of the whole registry: basic, enhanced, or null to leave the registry as it is."
  type        = string
}

variable "tags" {
  description = "Tags of repositories that ECR makes, which the provider's default tags do not reach."
  type        = map(string)
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role, or null."
  type        = string
}
