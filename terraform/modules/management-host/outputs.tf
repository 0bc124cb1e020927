output "instance_id" {
  description = "The instance, for aws ssm start-session --target."
  value       = aws_instance.this.id
}
