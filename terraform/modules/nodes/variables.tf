variable "cluster_name" {
  description = "Name of the cluster."
  type        = string
}

variable "partition" {
  description = "AWS partition, such as aws."
  type        = string
}

variable "kubernetes_version" {
  description = "Kubernetes version of the nodes."
  type        = string
}

variable "auto_mode" {
  description = "Whether EKS runs nodes, networking and block storage itself; add-ons for the rest are made here."
  type        = bool
}

variable "subnet_ids" {
  description = "Subnets of the nodes, by zone."
  type        = map(string)
}

variable "cluster_security_group_id" {
  description = "Security group that control plane and nodes share."
  type        = string
}

variable "efa_security_group_id" {
  description = "Security group for EFA traffic, or null."
  type        = string
}

variable "system_nodes" {
  description = "The managed group for what must run before Karpenter can."
  type = object({
    ami_type       = string
    instance_types = list(string)
    min_size       = number
    max_size       = number
    disk_gib       = number
  })
}

variable "device_node_groups" {
  description = "Managed groups with accelerators, by name."
  type = map(object({
    ami_type                = string
    instance_types          = list(string)
    max_size                = number
    min_size                = number
    zones                   = list(string)
    disk_gib                = number
    disk_iops               = number
    disk_mib_per_s          = number
    capacity_reservation_id = string
    efa_network_cards       = list(number)
    placement_group         = bool
    mig_profiles            = list(string)
    labels                  = map(string)
    taints = list(object({
      key    = string
      value  = string
      effect = string
    }))
  }))
}

variable "addon_versions" {
  description = "Versions of add-ons by name; EKS chooses for those that are not named."
  type        = map(string)
}

variable "shared_file_system" {
  description = "Whether the EFS driver is needed."
  type        = bool
}

variable "lustre" {
  description = "Whether the FSx for Lustre driver is needed."
  type        = bool
}

variable "pod_identity_association_ids" {
  description = "Associations that add-ons need when they start."
  type        = list(string)
}

variable "tags" {
  description = "Tags of instances, interfaces and volumes, which EKS makes and the provider's default tags do not reach."
  type        = map(string)
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role, or null."
  type        = string
}
