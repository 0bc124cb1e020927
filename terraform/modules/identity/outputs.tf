output "association_ids" {
  description = "Pod Identity associations, known when they are there."
  value       = [for association in aws_eks_pod_identity_association.this : association.association_id]
}

output "role_arns" {
  description = "Roles by what uses them."
  value       = { for key, role in aws_iam_role.this : key => role.arn }
}

output "github_role_arns" {
  description = "Roles of GitHub Actions by purpose: plan, apply, upload."
  value       = { for purpose, role in aws_iam_role.github : purpose => role.arn }
}
