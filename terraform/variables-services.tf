variable "model_namespaces" {
  description = "Kubernetes namespaces that models run in. Each has a service account `model` that may read the weights, `weights-writer` that may write them, and `results-writer` that may write what load tests measured."
  type        = set(string)
  default     = ["models"]
  nullable    = false

  validation {
    condition     = length(var.model_namespaces) >= 1 && alltrue([for namespace in var.model_namespaces : can(regex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", namespace))])
    error_message = "model_namespaces is ${join(", ", var.model_namespaces)}; expected at least one Kubernetes namespace, each a DNS label."
  }
}

variable "github" {
  description = "Let GitHub Actions of one repository (owner/name) sign in without stored keys, with a role for each purpose: plan reads, apply changes (made when apply_policy_arns says what it may), upload writes weights and images. Each is for the subjects listed: by default GitHub's environments <environment>-plan and <environment>, and the branch main for uploads. owner_id and repository_id are part of the subject for repositories made, renamed or transferred since 2026-07-15. provider_arn names the account's OIDC provider where it has one already."
  type = object({
    repository        = string
    owner_id          = optional(string)
    repository_id     = optional(string)
    plan_subjects     = optional(list(string))
    apply_subjects    = optional(list(string))
    apply_policy_arns = optional(list(string), [])
    upload_subjects   = optional(list(string), ["ref:refs/heads/main"])
    provider_arn      = optional(string)
  })
  default = null

  validation {
    condition     = var.github == null || can(regex("^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "github.repository is \"${try(var.github.repository, "")}\"; expected owner/name."
  }
  validation {
    condition     = var.github == null || (try(var.github.owner_id, null) == null) == (try(var.github.repository_id, null) == null)
    error_message = "github has one of owner_id and repository_id; expected both or none (gh api repos/OWNER/NAME --jq '.owner.id, .id')."
  }
  validation {
    condition     = var.github == null || alltrue([for id in [try(var.github.owner_id, null), try(var.github.repository_id, null)] : id == null || can(regex("^[0-9]+$", id))])
    error_message = "github.owner_id and github.repository_id are numbers (gh api repos/OWNER/NAME --jq '.owner.id, .id')."
  }
  validation {
    condition     = var.github == null || try(alltrue([for subject in concat(coalesce(var.github.plan_subjects, []), coalesce(var.github.apply_subjects, []), var.github.upload_subjects) : can(regex("^(ref:refs/(heads|tags)/[^*?]+|environment:[^*?]+)$", subject))]), false)
    error_message = "github names a subject of another form; expected ref:refs/heads/<branch>, ref:refs/tags/<tag> or environment:<name>, without * and ? (pull requests run anybody's code and get no role)."
  }
  validation {
    condition     = var.github == null || try(length(distinct(concat(coalesce(var.github.plan_subjects, []), coalesce(var.github.apply_subjects, []), var.github.upload_subjects))) == length(concat(coalesce(var.github.plan_subjects, []), coalesce(var.github.apply_subjects, []), var.github.upload_subjects)), false)
    error_message = "github names one subject for two purposes; expected each job to have one role."
  }
  validation {
    condition     = var.github == null || alltrue([for arn in try(var.github.apply_policy_arns, []) : can(regex("^arn:aws[a-z-]*:iam::", arn))])
    error_message = "github.apply_policy_arns is ${join(", ", try(var.github.apply_policy_arns, []))}; expected ARNs of IAM policies, such as arn:aws:iam::aws:policy/AdministratorAccess."
  }
}

variable "models_bucket_force_destroy" {
  description = "Delete the weights together with their bucket when the environment is destroyed."
  type        = bool
  default     = false
  nullable    = false
}

variable "shared_file_system" {
  description = "Make an EFS file system for caches that many pods share."
  type        = bool
  default     = false
  nullable    = false
}

variable "lustre" {
  description = "Make an FSx for Lustre file system over the weights in the bucket: its size in GiB, its throughput, the zone it lies in, and the prefix of the bucket that it shows."
  type = object({
    storage_gib                 = optional(number, 2400)
    throughput_mb_per_s_per_tib = optional(number, 500)
    zone                        = optional(string)
    bucket_prefix               = optional(string, "")
  })
  default = null

  validation {
    condition     = var.lustre == null || try(var.lustre.storage_gib == 1200 || (var.lustre.storage_gib >= 2400 && var.lustre.storage_gib % 2400 == 0), false)
    error_message = "lustre.storage_gib is ${try(var.lustre.storage_gib, 0)}; expected 1200, or 2400 and its multiples."
  }
  validation {
    condition     = var.lustre == null || try(contains([125, 250, 500, 1000], var.lustre.throughput_mb_per_s_per_tib), false)
    error_message = "lustre.throughput_mb_per_s_per_tib is ${try(var.lustre.throughput_mb_per_s_per_tib, 0)}; expected 125, 250, 500 or 1000."
  }
  validation {
    condition     = var.lustre == null || try(contains(var.zones, coalesce(var.lustre.zone, var.zones[0])), false)
    error_message = "lustre.zone is \"${try(coalesce(var.lustre.zone), "")}\"; expected one of zones (${join(", ", var.zones)})."
  }
}

variable "image_repositories" {
  description = "ECR repositories for images of your own, below the cluster's name."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.image_repositories : can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*$", name))])
    error_message = "image_repositories has ${join(", ", [for name in var.image_repositories : name if !can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*$", name))])}; expected lower-case names such as vllm-patched."
  }
}

variable "pull_through_caches" {
  description = "Public registries that ECR caches: ecr-public, quay and registry.k8s.io as they are, docker-hub and github with the ARN of a secret (its name begins with ecr-pullthroughcache/) that holds credentials. ECR follows a tag that its registry moves, unless immutable_tags keeps what was pulled first."
  type = map(object({
    credential_arn = optional(string)
    immutable_tags = optional(bool, false)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(setsubtract(keys(var.pull_through_caches), ["ecr-public", "registry.k8s.io", "quay", "docker-hub", "github"])) == 0
    error_message = "pull_through_caches has ${join(", ", setsubtract(keys(var.pull_through_caches), ["ecr-public", "registry.k8s.io", "quay", "docker-hub", "github"]))}; expected ecr-public, registry.k8s.io, quay, docker-hub or github."
  }
  validation {
    condition     = alltrue([for name, cache in var.pull_through_caches : !contains(["docker-hub", "github"], name) || can(regex(":secret:ecr-pullthroughcache/", cache.credential_arn))])
    error_message = "pull_through_caches has docker-hub or github without credential_arn; expected the ARN of a secret whose name begins with ecr-pullthroughcache/."
  }
}

variable "image_scanning" {
  description = "Scan every image of the account's registry in this region, cached ones included: basic (ECR's own scan when an image arrives) or enhanced (Amazon Inspector, again and again, billed by image). It is one setting for all environments of an account and region: one of them sets it. None: the registry stays as it is, and only image_repositories are scanned."
  type        = string
  default     = null

  validation {
    condition     = var.image_scanning == null || try(contains(["basic", "enhanced"], var.image_scanning), false)
    error_message = "image_scanning is \"${coalesce(var.image_scanning, "null")}\"; expected basic or enhanced."
  }
}

variable "component_secrets" {
  description = "Secrets that components of this platform read, beside those of every cluster: what each holds, by the last part of its name."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.component_secrets) : can(regex("^[a-z][a-z0-9-]{0,62}$", name))])
    error_message = "component_secrets names ${join(", ", keys(var.component_secrets))}; expected names of lower-case letters, digits and hyphens."
  }
}

variable "secret_recovery_days" {
  description = "Days that a deleted secret can be brought back, 7 to 30; 0 deletes at once, so that its name is free again."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.secret_recovery_days == 0 || (var.secret_recovery_days >= 7 && var.secret_recovery_days <= 30)
    error_message = "secret_recovery_days is ${var.secret_recovery_days}; expected 0, or 7 to 30."
  }
}

variable "managed_prometheus" {
  description = "Make an Amazon Managed Service for Prometheus workspace, and let Prometheus in the cluster write to it."
  type        = bool
  default     = false
  nullable    = false
}

variable "monthly_budget_usd" {
  description = "Monthly budget in USD of what carries this environment's tag. None: no budget is made."
  type        = number
  default     = null

  validation {
    condition     = var.monthly_budget_usd == null || try(var.monthly_budget_usd > 0, false)
    error_message = "monthly_budget_usd is ${coalesce(var.monthly_budget_usd, 0)}; expected more than 0."
  }
}

variable "budget_alert_emails" {
  description = "Who is told when 50, 80 and 100 percent of the budget are spent, and when the forecast passes it."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.budget_alert_emails : can(regex("^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$", address))])
    error_message = "budget_alert_emails has ${join(", ", [for address in var.budget_alert_emails : address if !can(regex("^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$", address))])}; expected e-mail addresses."
  }
  validation {
    condition     = var.monthly_budget_usd == null || length(var.budget_alert_emails) >= 1
    error_message = "monthly_budget_usd is set and budget_alert_emails is empty; a budget that tells nobody is of no use."
  }
}

variable "pool_vcpus" {
  description = "The most vCPUs that node pools may ask for, by EC2 quota: standard (C, M, R and others), g (G and VT), p, inf, trn. They are compared with the account's quotas."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.pool_vcpus), ["standard", "g", "p", "inf", "trn"])) == 0
    error_message = "pool_vcpus has ${join(", ", setsubtract(keys(var.pool_vcpus), ["standard", "g", "p", "inf", "trn"]))}; expected standard, g, p, inf or trn."
  }
}

variable "management_host" {
  description = "Make a small EC2 instance in a private subnet, reached by Session Manager only, to administer a cluster whose endpoint is private."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.management_host || var.nat_gateways != "none" || var.existing_cluster != null
    error_message = "management_host needs a way out and nat_gateways is \"none\": the host reaches Session Manager and downloads kubectl over the internet."
  }
}
