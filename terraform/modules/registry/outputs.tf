output "repository_urls" {
  description = "Repositories for images of your own, by name."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }
}

output "repository_arns" {
  description = "ARNs of those repositories."
  value       = [for repository in aws_ecr_repository.this : repository.arn]
}

output "cache_prefixes" {
  description = "What to write in place of a public registry's host, by registry."
  value       = { for name in keys(var.pull_through_caches) : name => "${var.account_id}.dkr.ecr.${var.region}.amazonaws.com/${var.cluster_name}/${name}" }
}
