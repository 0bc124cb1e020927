# The longest names that are accepted, six zones, and networks as small as they may be.
environment_name    = "an-environment-with-a-long-name"
cluster_name        = "a-cluster-whose-name-has-38-characters"
account_id          = "123456789012"
region              = "us-west-2"
zones               = ["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d", "us-west-2e", "us-west-2f"]
vpc_cidr            = "10.8.0.0/20"
pods_cidr           = "100.64.16.0/20"
shared_file_system  = true
lustre              = {}
managed_prometheus  = true
image_repositories  = ["vllm-patched"]
github              = { repository = "example/my-platform" }
monthly_budget_usd  = 100
budget_alert_emails = ["platform@example.com"]
nat_gateways        = "none"
interface_endpoints = ["ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "logs", "secretsmanager", "sqs", "ssm", "sts"]
