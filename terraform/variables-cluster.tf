variable "kubernetes_version" {
  description = "Kubernetes version of the control plane. Offered are those whose standard support lasts into 2027."
  type        = string
  default     = "1.35"
  nullable    = false

  validation {
    condition     = contains(["1.35", "1.36"], var.kubernetes_version)
    error_message = "kubernetes_version is \"${var.kubernetes_version}\"; expected 1.35 or 1.36 (1.34 leaves standard support on 2026-12-02)."
  }
}

variable "public_access_cidrs" {
  description = "Networks that may reach the Kubernetes API from the internet. None: the endpoint is private only."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.public_access_cidrs : can(cidrnetmask(cidr))])
    error_message = "public_access_cidrs has ${join(", ", [for cidr in var.public_access_cidrs : cidr if !can(cidrnetmask(cidr))])}; expected IPv4 networks such as 203.0.113.7/32."
  }
  validation {
    condition     = alltrue([for cidr in var.public_access_cidrs : try(tonumber(split("/", cidr)[1]) >= 8, true)])
    error_message = "public_access_cidrs has ${join(", ", [for cidr in var.public_access_cidrs : cidr if try(tonumber(split("/", cidr)[1]) < 8, false)])}, which opens the Kubernetes API to the internet; name the networks of your people and runners."
  }
}

variable "admin_principal_arns" {
  description = "IAM roles and users that administer the cluster. None: whoever creates the cluster is its only administrator."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.admin_principal_arns : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/.+$", arn))])
    error_message = "admin_principal_arns has ${join(", ", [for arn in var.admin_principal_arns : arn if !can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/.+$", arn))])}; expected ARNs of IAM roles or users (not of assumed-role sessions)."
  }
}

variable "reader_principal_arns" {
  description = "IAM roles and users that may read the cluster's resources, secrets excepted."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.reader_principal_arns : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/.+$", arn))])
    error_message = "reader_principal_arns has ${join(", ", [for arn in var.reader_principal_arns : arn if !can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/.+$", arn))])}; expected ARNs of IAM roles or users (not of assumed-role sessions)."
  }
  validation {
    condition     = length(setintersection(var.reader_principal_arns, var.admin_principal_arns)) == 0
    error_message = "reader_principal_arns and admin_principal_arns both name ${join(", ", setintersection(var.reader_principal_arns, var.admin_principal_arns))}; a principal has one access entry."
  }
}

variable "auto_mode" {
  description = "Let EKS run nodes, networking and block storage (EKS Auto Mode) instead of a managed group, add-ons and Karpenter."
  type        = bool
  default     = false
  nullable    = false
}

variable "existing_cluster" {
  description = "Use a cluster that is already there (named cluster_name): its VPC and one node subnet per zone. Neither network nor cluster is made then."
  type = object({
    vpc_id     = string
    subnet_ids = map(string)
  })
  default = null

  validation {
    condition     = var.existing_cluster == null || try(toset(keys(var.existing_cluster.subnet_ids)) == toset(var.zones), false)
    error_message = "existing_cluster.subnet_ids has zones ${join(", ", try(keys(var.existing_cluster.subnet_ids), []))}; expected one subnet for each of ${join(", ", var.zones)}."
  }
  validation {
    condition     = var.existing_cluster == null || !var.auto_mode
    error_message = "auto_mode is a setting of the cluster itself; it cannot be turned on here for an existing_cluster."
  }
}

variable "system_nodes" {
  description = "The managed node group for what must run before Karpenter can: CoreDNS, Karpenter, Argo CD, the load balancer controller."
  type = object({
    ami_type       = optional(string, "BOTTLEROCKET_x86_64")
    instance_types = optional(list(string), ["m6i.large"])
    min_size       = optional(number, 2)
    max_size       = optional(number, 4)
    disk_gib       = optional(number, 50)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["BOTTLEROCKET_x86_64", "BOTTLEROCKET_ARM_64", "BOTTLEROCKET_x86_64_FIPS", "BOTTLEROCKET_ARM_64_FIPS"], var.system_nodes.ami_type)
    error_message = "system_nodes.ami_type is \"${var.system_nodes.ami_type}\"; expected a Bottlerocket image: BOTTLEROCKET_x86_64, BOTTLEROCKET_ARM_64 or their _FIPS forms."
  }
  validation {
    condition     = var.system_nodes.min_size >= 2 && var.system_nodes.max_size >= var.system_nodes.min_size
    error_message = "system_nodes has min_size ${var.system_nodes.min_size} and max_size ${var.system_nodes.max_size}; expected at least 2 nodes (CoreDNS and Karpenter run twice) and max_size not below min_size."
  }
  validation {
    condition     = length(var.system_nodes.instance_types) >= 1
    error_message = "system_nodes.instance_types is empty; expected at least one EC2 instance type."
  }
}

variable "device_node_groups" {
  description = "Managed node groups for what Karpenter cannot provision: devices claimed through DRA, and capacity blocks. Images and weights go to the disks that the type has of its own; disk_* are of the volume beside them, which types without (Inf2) want large and fast: 200 GiB, 6000 IOPS, 500 MiB/s. efa_network_cards are the network cards that get an interface for EFA, such as 0 to 31 of a p5.48xlarge. placement_group keeps the nodes of a group close together, in one zone. mig_profiles are the parts that each GPU is cut into, such as 3g.40gb twice for an H100 of 80 GB."
  type = map(object({
    ami_type                = string
    instance_types          = list(string)
    max_size                = number
    min_size                = optional(number, 0)
    zones                   = optional(list(string))
    disk_gib                = optional(number, 40)
    disk_iops               = optional(number, 3000)
    disk_mib_per_s          = optional(number, 125)
    capacity_reservation_id = optional(string)
    efa_network_cards       = optional(list(number), [])
    placement_group         = optional(bool, false)
    mig_profiles            = optional(list(string), [])
    labels                  = optional(map(string), {})
    taints = optional(list(object({
      key    = string
      value  = optional(string)
      effect = string
    })), [])
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(var.device_node_groups) == 0 || (!var.auto_mode && var.existing_cluster == null)
    error_message = "device_node_groups names ${join(", ", keys(var.device_node_groups))}; managed groups are made only with a cluster that is made here without auto_mode."
  }
  validation {
    condition     = alltrue([for name in keys(var.device_node_groups) : can(regex("^[a-z]([-a-z0-9]{0,18}[a-z0-9])?$", name))])
    error_message = "device_node_groups has ${join(", ", [for name in keys(var.device_node_groups) : name if !can(regex("^[a-z]([-a-z0-9]{0,18}[a-z0-9])?$", name))])}; expected names of at most 20 lower-case letters, digits and hyphens."
  }
  validation {
    condition     = alltrue([for group in values(var.device_node_groups) : contains(["AL2023_x86_64_NVIDIA", "AL2023_ARM_64_NVIDIA", "AL2023_x86_64_NEURON", "BOTTLEROCKET_x86_64_NVIDIA", "BOTTLEROCKET_ARM_64_NVIDIA"], group.ami_type)])
    error_message = "device_node_groups has ami_type ${join(", ", [for group in values(var.device_node_groups) : group.ami_type])}; expected AL2023_x86_64_NVIDIA, AL2023_ARM_64_NVIDIA, AL2023_x86_64_NEURON, BOTTLEROCKET_x86_64_NVIDIA or BOTTLEROCKET_ARM_64_NVIDIA."
  }
  validation {
    condition     = alltrue([for group in values(var.device_node_groups) : length(group.instance_types) >= 1 && group.max_size >= 1 && group.min_size >= 0 && group.min_size <= group.max_size])
    error_message = "device_node_groups needs for each group at least one instance type and 0 <= min_size <= max_size with max_size of at least 1."
  }
  validation {
    condition     = alltrue(flatten([for group in values(var.device_node_groups) : [for zone in coalesce(group.zones, []) : contains(var.zones, zone)]]))
    error_message = "device_node_groups names a zone that is not one of zones (${join(", ", var.zones)})."
  }
  validation {
    condition     = alltrue(flatten([for group in values(var.device_node_groups) : [for taint in group.taints : contains(["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"], taint.effect)]]))
    error_message = "device_node_groups has a taint whose effect EKS does not know; expected NO_SCHEDULE, NO_EXECUTE or PREFER_NO_SCHEDULE."
  }
  # EC2 accepts a template for several types only where all of them have the cards.
  validation {
    condition     = alltrue([for group in values(var.device_node_groups) : length(group.efa_network_cards) == length(distinct(group.efa_network_cards)) && alltrue([for card in group.efa_network_cards : card >= 0 && card <= 31 && floor(card) == card])])
    error_message = "device_node_groups has efa_network_cards that are not different whole numbers from 0 to 31."
  }
  validation {
    condition     = alltrue([for group in values(var.device_node_groups) : !group.placement_group || (length(coalesce(group.zones, [])) == 1 && group.capacity_reservation_id == null)])
    error_message = "device_node_groups has a placement_group without exactly one zone, or with a capacity_reservation_id; a cluster placement group stands in one zone, and a capacity block needs none."
  }
  # A script of Amazon Linux 2023 cuts them; an A100 has to be reset first. https://docs.nvidia.com/datacenter/tesla/mig-user-guide/
  validation {
    condition     = alltrue([for group in values(var.device_node_groups) : length(group.mig_profiles) == 0 || (group.ami_type == "AL2023_x86_64_NVIDIA" && alltrue([for type in group.instance_types : can(regex("^p5(e|en)?[.]", type))]))])
    error_message = "device_node_groups has mig_profiles for an image or instance type that is not cut here; expected ami_type AL2023_x86_64_NVIDIA and types of p5, p5e or p5en."
  }
  validation {
    condition     = alltrue([for group in values(var.device_node_groups) : alltrue([for profile in group.mig_profiles : can(regex("^[12347]g[.][0-9]+gb$", profile))]) && sum(concat([0], [for profile in group.mig_profiles : try(tonumber(substr(profile, 0, 1)), 0)])) <= 7])
    error_message = "device_node_groups has mig_profiles that are none, or more than a GPU has; expected names such as 3g.40gb, with seven sevenths in all."
  }
  # https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html
  validation {
    condition     = alltrue([for group in values(var.device_node_groups) : group.disk_gib >= 20 && group.disk_iops >= 3000 && group.disk_iops <= min(80000, max(3000, group.disk_gib * 500)) && group.disk_mib_per_s >= 125 && group.disk_mib_per_s <= min(2000, group.disk_iops / 4)])
    error_message = "device_node_groups has a volume that gp3 does not offer; expected disk_gib of at least 20, disk_iops of 3000 to 500 for each GiB, disk_mib_per_s of 125 to a quarter of the IOPS."
  }
  # EKS starts min_size nodes at once, and a block has none before its first day.
  validation {
    condition     = alltrue([for group in values(var.device_node_groups) : group.capacity_reservation_id == null || group.min_size == 0])
    error_message = "device_node_groups has a capacity_reservation_id with a min_size above 0; expected 0: scale the group by hand when the block has begun, and to 0 before it ends."
  }
  # A capacity block is one purchase of one instance type in one zone.
  validation {
    condition     = alltrue([for group in values(var.device_node_groups) : group.capacity_reservation_id == null || (length(group.instance_types) == 1 && length(coalesce(group.zones, [])) == 1)])
    error_message = "device_node_groups has a capacity_reservation_id with several instance types or without exactly one zone; a capacity block holds one instance type in one zone."
  }
}

variable "addon_versions" {
  description = "Versions of EKS add-ons by name. One that is not named gets the default of its Kubernetes version when it is created and keeps it; the output addon_versions shows which, to be written here."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([for name in keys(var.addon_versions) : contains([
      "aws-ebs-csi-driver", "aws-efs-csi-driver", "aws-fsx-csi-driver", "aws-mountpoint-s3-csi-driver", "coredns", "eks-node-monitoring-agent",
    "eks-pod-identity-agent", "kube-proxy", "metrics-server", "vpc-cni"], name)])
    error_message = "addon_versions names ${join(", ", keys(var.addon_versions))}; known are aws-ebs-csi-driver, aws-efs-csi-driver, aws-fsx-csi-driver, aws-mountpoint-s3-csi-driver, coredns, eks-node-monitoring-agent, eks-pod-identity-agent, kube-proxy, metrics-server and vpc-cni."
  }
  validation {
    condition     = alltrue([for version in values(var.addon_versions) : can(regex("^v[0-9]+[.][0-9]+[.][0-9]+-eksbuild[.][0-9]+$", version))])
    error_message = "addon_versions has ${join(", ", [for version in values(var.addon_versions) : version if !can(regex("^v[0-9]+[.][0-9]+[.][0-9]+-eksbuild[.][0-9]+$", version))])}; expected the form v1.2.3-eksbuild.4 (aws eks describe-addon-versions lists them)."
  }
}
