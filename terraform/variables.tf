# What every environment says. environments/<env>/terraform.tfvars sets these.

variable "environment_name" {
  description = "Name of the environment: the folder below environments/ whose models may ask for permissions of their own."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$", var.environment_name))
    error_message = "environment_name is \"${var.environment_name}\"; expected at most 32 lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen."
  }
}

variable "cluster_name" {
  description = "Name of the EKS cluster. Roles, queue, bucket and secrets are named after it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([-a-z0-9]*[a-z0-9])?$", var.cluster_name))
    error_message = "cluster_name is \"${var.cluster_name}\"; expected lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen (the bucket is named after it)."
  }

  # The longest name derived from it, the role <cluster>-load-balancer-controller, adds 25 to IAM's limit of 64.
  validation {
    condition     = length(var.cluster_name) <= 38
    error_message = "cluster_name has ${length(var.cluster_name)} characters; expected at most 38, because names derived from it must fit into 64 characters (IAM roles) and 63 (S3 buckets)."
  }
}

variable "account_id" {
  description = "The AWS account that the environment belongs to. Any other account is refused before anything is planned."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\"; expected the 12 digits of an AWS account, in quotes."
  }
}

variable "region" {
  description = "AWS region of the environment, for example us-west-2."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is \"${var.region}\"; expected the name of an AWS region such as us-west-2."
  }
}

variable "zones" {
  description = "Availability zones of the environment, 2 to 6. Append new ones at the end: a zone's place in the list decides its addresses."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 6
    error_message = "zones has ${length(var.zones)} entries; expected 2 to 6 (EKS needs two, and the address plan is cut for six)."
  }
  validation {
    condition     = length(distinct(var.zones)) == length(var.zones)
    error_message = "zones names a zone twice: ${join(", ", var.zones)}."
  }
  validation {
    condition     = alltrue([for zone in var.zones : can(regex("^${var.region}[a-z]$", zone))])
    error_message = "zones has ${join(", ", [for zone in var.zones : zone if !can(regex("^${var.region}[a-z]$", zone))])}; expected availability zones of ${var.region}, such as ${var.region}a."
  }
}

variable "tags" {
  description = "Tags that every resource carries beside the project's own."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "permissions_boundary_arn" {
  description = "ARN of a permissions boundary that every role made here carries, where the organisation asks for one."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn is \"${coalesce(var.permissions_boundary_arn, "null")}\"; expected the ARN of an IAM policy."
  }
}
