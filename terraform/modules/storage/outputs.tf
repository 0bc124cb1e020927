output "models_bucket_name" {
  description = "Bucket with the weights."
  value       = aws_s3_bucket.models.id
}

output "shared_file_system_id" {
  description = "EFS file system, or null. It is known when nodes can mount it."
  value       = one(aws_efs_file_system.this[*].id)
  depends_on  = [aws_efs_mount_target.this]
}

output "shared_file_system_arn" {
  description = "ARN of the EFS file system, or null."
  value       = one(aws_efs_file_system.this[*].arn)
}

output "lustre" {
  description = "Id, DNS name and mount name of the FSx for Lustre file system, or null."
  value = one([for system in aws_fsx_lustre_file_system.this : {
    file_system_id = system.id
    dns_name       = system.dns_name
    mount_name     = system.mount_name
  }])
}
