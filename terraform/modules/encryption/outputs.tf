output "cluster_key_arn" {
  description = "ARN of the key for Kubernetes secrets and logs."
  value       = aws_kms_key.this["cluster"].arn
}

output "data_key_arn" {
  description = "ARN of the key for weights, file systems, images and secrets."
  value       = aws_kms_key.this["data"].arn
}
