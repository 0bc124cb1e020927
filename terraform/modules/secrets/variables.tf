variable "cluster_name" {
  description = "Name of the cluster, which secrets lie below."
  type        = string
}

variable "key_arn" {
  description = "KMS key of the secrets."
  type        = string
}

variable "recovery_days" {
  description = "Days that a deleted secret can be brought back; 0 for none."
  type        = number
}

variable "further" {
  description = "Secrets that components of this platform read: what each holds, by the last part of its name."
  type        = map(string)
  default     = {}
}
