variable "cluster_name" {
  description = "Name of the cluster, for names and the discovery tag."
  type        = string
}

variable "account_id" {
  description = "AWS account."
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

variable "zones" {
  description = "Availability zones, 2 to 6."
  type        = list(string)
}

variable "vpc_cidr" {
  description = "Addresses of the VPC."
  type        = string
}

variable "pods_cidr" {
  description = "Addresses of the pods."
  type        = string
}

variable "nat_gateways" {
  description = "One NAT gateway (single), one in each zone (per-zone), or none."
  type        = string
}

variable "interface_endpoints" {
  description = "Short names of AWS services with an interface endpoint."
  type        = set(string)
}

variable "flow_log_group_name" {
  description = "CloudWatch log group of the flow logs."
  type        = string
}

variable "log_retention_days" {
  description = "Days that flow logs are kept."
  type        = number
}

variable "key_arn" {
  description = "KMS key of the flow logs."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the roles, or null."
  type        = string
}
