output "arns" {
  description = "ARNs of the secrets, by what they hold."
  value       = { for key, secret in aws_secretsmanager_secret.this : key => secret.arn }
}

output "names" {
  description = "Names of the secrets, by what they hold."
  value       = { for key, secret in aws_secretsmanager_secret.this : key => secret.name }
}
