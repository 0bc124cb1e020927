variable "vpc_cidr" {
  description = "Addresses of the VPC, /16 to /20: nodes, load balancers and the control plane's interfaces."
  type        = string
  default     = "10.0.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.vpc_cidr)) && try(cidrsubnet(var.vpc_cidr, 0, 0) == var.vpc_cidr, false)
    error_message = "vpc_cidr is \"${var.vpc_cidr}\"; expected an IPv4 network in CIDR notation without host bits, such as 10.0.0.0/16."
  }
  validation {
    condition     = try(tonumber(split("/", var.vpc_cidr)[1]) >= 16 && tonumber(split("/", var.vpc_cidr)[1]) <= 20, false)
    error_message = "vpc_cidr is \"${var.vpc_cidr}\"; expected /16 to /20: a VPC may not be larger, and a smaller one leaves zones without room for nodes."
  }
}

variable "pods_cidr" {
  description = "Addresses of the pods, a second network of the VPC, /16 to /20. Each zone gets an eighth of it."
  type        = string
  default     = "100.64.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.pods_cidr)) && try(cidrsubnet(var.pods_cidr, 0, 0) == var.pods_cidr, false)
    error_message = "pods_cidr is \"${var.pods_cidr}\"; expected an IPv4 network in CIDR notation without host bits, such as 100.64.0.0/16."
  }
  validation {
    condition     = try(tonumber(split("/", var.pods_cidr)[1]) >= 16 && tonumber(split("/", var.pods_cidr)[1]) <= 20, false)
    error_message = "pods_cidr is \"${var.pods_cidr}\"; expected /16 to /20: a VPC's network may not be larger, and a smaller one holds too few prefixes of 16 addresses."
  }
  # Nodes take addresses for pods in blocks of 16, so about half of them can be idle.
  validation {
    condition     = try(var.expected_pods * 2 <= length(var.zones) * pow(2, 29 - tonumber(split("/", var.pods_cidr)[1])), true)
    error_message = "pods_cidr ${var.pods_cidr} gives ${length(var.zones)} zones ${try(length(var.zones) * pow(2, 29 - tonumber(split("/", var.pods_cidr)[1])), 0)} pod addresses; ${var.expected_pods} pods (expected_pods) need twice as many as there are pods. Take a larger network or expect fewer pods."
  }
  # https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html#add-cidr-block-restrictions
  validation {
    condition = alltrue([
      for block in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] : try(
        cidrsubnet("${cidrhost(var.pods_cidr, 0)}/${split("/", block)[1]}", 0, 0) != block ||
        cidrsubnet("${cidrhost(var.vpc_cidr, 0)}/${split("/", block)[1]}", 0, 0) == block,
        true
      )
    ])
    error_message = "pods_cidr ${var.pods_cidr} lies in another private range than vpc_cidr ${var.vpc_cidr}, which AWS refuses for a VPC's second network; take one of the same range, or of 100.64.0.0/10."
  }
  # Two networks overlap where they are one, cut at the shorter of the two prefixes.
  validation {
    condition = alltrue([
      for other in concat([var.vpc_cidr, var.service_cidr], var.reserved_cidrs) : try(
        cidrsubnet("${cidrhost(var.pods_cidr, 0)}/${min(split("/", var.pods_cidr)[1], split("/", other)[1])}", 0, 0) !=
        cidrsubnet("${cidrhost(other, 0)}/${min(split("/", var.pods_cidr)[1], split("/", other)[1])}", 0, 0),
        true
      )
    ])
    error_message = "pods_cidr ${var.pods_cidr} overlaps vpc_cidr ${var.vpc_cidr}, service_cidr ${var.service_cidr} or one of reserved_cidrs (${join(", ", var.reserved_cidrs)}); expected a network of its own."
  }
}

variable "service_cidr" {
  description = "Addresses of Kubernetes Services, /12 to /24, of no use outside the cluster."
  type        = string
  default     = "172.20.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.service_cidr)) && try(cidrsubnet(var.service_cidr, 0, 0) == var.service_cidr && tonumber(split("/", var.service_cidr)[1]) >= 12 && tonumber(split("/", var.service_cidr)[1]) <= 24, false)
    error_message = "service_cidr is \"${var.service_cidr}\"; expected an IPv4 network of /12 to /24 without host bits, such as 172.20.0.0/16."
  }
  # https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html
  validation {
    condition = anytrue([
      for block in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] :
      try(cidrsubnet("${cidrhost(var.service_cidr, 0)}/${split("/", block)[1]}", 0, 0) == block, true)
    ])
    error_message = "service_cidr is \"${var.service_cidr}\"; EKS takes a network within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16."
  }
}

variable "reserved_cidrs" {
  description = "Networks that the VPC will be connected to (peering, VPN, transit gateway) and therefore must not overlap."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.reserved_cidrs : can(cidrnetmask(cidr))])
    error_message = "reserved_cidrs has ${join(", ", [for cidr in var.reserved_cidrs : cidr if !can(cidrnetmask(cidr))])}; expected IPv4 networks in CIDR notation."
  }
  validation {
    condition = alltrue([
      for pair in setproduct([var.vpc_cidr], concat([var.service_cidr], var.reserved_cidrs)) : try(
        cidrsubnet("${cidrhost(pair[0], 0)}/${min(split("/", pair[0])[1], split("/", pair[1])[1])}", 0, 0) !=
        cidrsubnet("${cidrhost(pair[1], 0)}/${min(split("/", pair[0])[1], split("/", pair[1])[1])}", 0, 0),
        true
      )
    ])
    error_message = "vpc_cidr ${var.vpc_cidr} overlaps service_cidr ${var.service_cidr} or one of reserved_cidrs (${join(", ", var.reserved_cidrs)}); expected a network of its own."
  }
}

variable "expected_pods" {
  description = "How many pods the cluster runs at full scale, all zones together. The pods' network is checked against it."
  type        = number
  default     = 1000
  nullable    = false

  validation {
    condition     = var.expected_pods >= 1 && floor(var.expected_pods) == var.expected_pods
    error_message = "expected_pods is ${var.expected_pods}; expected a whole number of at least 1."
  }
}

variable "nat_gateways" {
  description = "How private subnets reach the internet: one gateway (single), one in each zone (per-zone), or none."
  type        = string
  default     = "single"
  nullable    = false

  validation {
    condition     = contains(["single", "per-zone", "none"], var.nat_gateways)
    error_message = "nat_gateways is \"${var.nat_gateways}\"; expected single, per-zone or none."
  }
}

variable "interface_endpoints" {
  description = "AWS services that are reached inside the VPC, each billed per zone and hour; others are reached through the NAT gateway. S3 has a free gateway endpoint and is not listed."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for service in var.interface_endpoints : can(regex("^[a-z0-9-]+([.][a-z0-9-]+)*$", service))])
    error_message = "interface_endpoints has ${join(", ", [for service in var.interface_endpoints : service if !can(regex("^[a-z0-9-]+([.][a-z0-9-]+)*$", service))])}; expected short service names such as ecr.api."
  }
  # Karpenter reads the ids of machine images from ssm.
  validation {
    condition     = var.nat_gateways != "none" || length(setsubtract(["ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "sqs", "ssm", "sts"], var.interface_endpoints)) == 0
    error_message = "nat_gateways is \"none\" and interface_endpoints lacks ${join(", ", setsubtract(["ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "sqs", "ssm", "sts"], var.interface_endpoints))}; without a NAT gateway nodes cannot join without them."
  }
}

variable "log_retention_days" {
  description = "Days that control plane, flow and container logs are kept. CloudWatch knows only certain numbers."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is ${var.log_retention_days}; expected one that CloudWatch Logs offers: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}
