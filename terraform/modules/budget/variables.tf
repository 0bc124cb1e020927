variable "cluster_name" {
  description = "Name of the cluster, which the budget is named after."
  type        = string
}

variable "monthly_usd" {
  description = "The budget, in USD a month."
  type        = number
}

variable "alert_emails" {
  description = "Who is told."
  type        = list(string)
}

variable "tag_key" {
  description = "Key of the tag whose costs count."
  type        = string
}

variable "tag_value" {
  description = "Value of the tag whose costs count."
  type        = string
}
