resource "aws_cloudwatch_log_group" "containers" {
  name              = var.log_group_name
  retention_in_days = var.log_retention_days
  kms_key_id        = var.key_arn
}

resource "aws_prometheus_workspace" "this" {
  count = var.managed_prometheus ? 1 : 0

  alias = var.cluster_name
}
