# Places for secrets, without values: Terraform would keep a value in its state. install.sh writes them.

locals {
  secrets = {
    hf-token   = "Hugging Face token with access to the gated models"
    api-keys   = "Keys that callers of models send, a JSON object by the name of the model"
    argocd-git = "Argo CD's credential for the Git repository"
  }
}

resource "aws_secretsmanager_secret" "this" {
  # checkov:skip=CKV2_AWS_57:Hugging Face and Git hosts offer no rotation that AWS could run
  for_each = merge(local.secrets, var.further)

  name                    = "${var.cluster_name}/${each.key}"
  description             = each.value
  kms_key_id              = var.key_arn
  recovery_window_in_days = var.recovery_days
}
