output "node_role_name" {
  description = "Role that EC2NodeClasses name."
  value       = aws_iam_role.node.name
}

output "controller_role_arn" {
  description = "ARN of Karpenter's role."
  value       = aws_iam_role.controller.arn
}

output "queue_name" {
  description = "Queue that Karpenter's settings name."
  value       = aws_sqs_queue.interruption.name
}
