variable "cluster_name" {
  description = "Name of the cluster."
  type        = string
}

variable "models_bucket_name" {
  description = "Name of the bucket with the weights."
  type        = string
}

variable "models_bucket_arn" {
  description = "ARN of the bucket with the weights."
  type        = string
}

variable "force_destroy" {
  description = "Delete the weights together with the bucket."
  type        = bool
}

variable "key_arn" {
  description = "KMS key of bucket and file systems."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the file systems."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the nodes, by zone."
  type        = map(string)
}

variable "node_security_group_id" {
  description = "Security group of the nodes."
  type        = string
}

variable "shared_file_system" {
  description = "Whether to make an EFS file system."
  type        = bool
}

variable "lustre" {
  description = "Size, throughput, zone and bucket prefix of an FSx for Lustre file system, or null."
  type = object({
    storage_gib                 = number
    throughput_mb_per_s_per_tib = number
    zone                        = string
    bucket_prefix               = string
  })
}
