# What the node pools could ask for, held against the account's quotas for running on-demand instances (in vCPUs).
# The codes are EC2's; Service Quotas lists them under these names.

locals {
  vcpu_quotas = {
    standard = { code = "L-1216C47A", name = "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances" }
    g        = { code = "L-DB2E81BA", name = "Running On-Demand G and VT instances" }
    p        = { code = "L-417A185B", name = "Running On-Demand P instances" }
    inf      = { code = "L-1945791B", name = "Running On-Demand Inf instances" }
    trn      = { code = "L-2C3B7624", name = "Running On-Demand Trn instances" }
  }

  quota_shortfalls = {
    for family, quota in data.aws_servicequotas_service_quota.vcpus : family => {
      quota  = local.vcpu_quotas[family].name
      code   = local.vcpu_quotas[family].code
      has    = coalesce(quota.value, 0)
      wanted = var.pool_vcpus[family]
    } if coalesce(quota.value, 0) < var.pool_vcpus[family]
  }
}

data "aws_servicequotas_service_quota" "vcpus" {
  for_each = toset(keys(var.pool_vcpus))

  service_code = "ec2"
  quota_code   = local.vcpu_quotas[each.key].code
}

# A warning, not an error: a quota can be raised while the cluster is being made. install.sh compares quotas as well, with the
# nodes that `modelyard place` finds.
check "vcpu_quotas" {
  assert {
    condition = length(local.quota_shortfalls) == 0
    error_message = join("\n", [
      for shortfall in values(local.quota_shortfalls) :
      "The quota \"${shortfall.quota}\" (${shortfall.code}) is ${shortfall.has} vCPUs; the pools could ask for ${shortfall.wanted}. Raise it in Service Quotas, or lower the pool's limits."
    ])
  }
}
