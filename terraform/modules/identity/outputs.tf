output "association_ids" {
  description = "Pod Identity associations, known when they are there."
  value       = [for association in aws_eks_pod_identity_association.this : association.association_id]
}

output "role_arns" {
  description = "Roles by what uses them."
  value       = { for key, role in aws_iam_role.this : key => role.arn }
}

output "github_role_arn" {
  description = "Role of GitHub Actions, or null."
  value       = one(aws_iam_role.github[*].arn)
}
