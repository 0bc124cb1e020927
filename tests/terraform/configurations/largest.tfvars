# Everything that can be switched on together.
environment_name = "prod"
cluster_name     = "my-platform-prod"
account_id       = "123456789012"
region           = "us-west-2"
zones            = ["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d"]

kubernetes_version       = "1.36"
nat_gateways             = "per-zone"
interface_endpoints      = ["ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "logs", "secretsmanager", "sqs", "sts"]
public_access_cidrs      = ["203.0.113.0/24"]
admin_principal_arns     = ["arn:aws:iam::123456789012:role/platform"]
reader_principal_arns    = ["arn:aws:iam::123456789012:role/developers"]
permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
model_namespaces         = ["models", "models-batch"]
tags                     = { team = "platform" }

device_node_groups = {
  gpu-dra = {
    ami_type       = "AL2023_x86_64_NVIDIA"
    instance_types = ["g6e.12xlarge"]
    max_size       = 2
    labels         = { "nvidia.com/gpu.present" = "true" }
    taints         = [{ key = "nvidia.com/gpu", value = "true", effect = "NO_SCHEDULE" }]
  }
  shared = {
    ami_type       = "BOTTLEROCKET_x86_64_NVIDIA"
    instance_types = ["g6e.12xlarge"]
    max_size       = 1
    disk_gib       = 200
    disk_iops      = 6000
    disk_mib_per_s = 500
  }
  capacity-block = {
    ami_type                = "AL2023_x86_64_NVIDIA"
    instance_types          = ["p5.48xlarge"]
    zones                   = ["us-west-2b"]
    max_size                = 2
    capacity_reservation_id = "cr-0123456789abcdef0"
    efa_network_cards       = [0, 1, 2, 3]
  }
}

addon_versions      = { vpc-cni = "v1.20.1-eksbuild.3" }
shared_file_system  = true
lustre              = { bucket_prefix = "weights/" }
image_repositories  = ["vllm-patched"]
pull_through_caches = { ecr-public = {}, quay = { immutable_tags = true } }
image_scanning      = "basic"
managed_prometheus  = true
monthly_budget_usd  = 20000
budget_alert_emails = ["platform@example.com"]
management_host     = true
pool_vcpus          = { g = 512, inf = 96, standard = 256 }

github = {
  repository        = "example/my-platform"
  owner_id          = "123456"
  repository_id     = "456789"
  apply_policy_arns = ["arn:aws:iam::aws:policy/AdministratorAccess"]
  upload_subjects   = ["ref:refs/heads/main", "environment:weights"]
}
