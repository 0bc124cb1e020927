output "role_name" {
  description = "Role of the managed nodes, or null."
  value       = one(aws_iam_role.node[*].name)
}

output "addon_versions" {
  description = "Versions of the add-ons that run."
  value       = { for addon in concat(values(aws_eks_addon.before_nodes), values(aws_eks_addon.after_nodes)) : addon.addon_name => addon.addon_version }
}
