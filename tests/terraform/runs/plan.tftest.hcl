# A plan by the real provider: documents are rendered as they would be, nothing is called. What only AWS knows is given here.

provider "aws" {
  region                      = "us-west-2"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

override_data {
  target = module.network[0].data.aws_availability_zones.available
  values = {
    names    = ["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d", "us-west-2e", "us-west-2f"]
    zone_ids = ["usw2-az1", "usw2-az2", "usw2-az3", "usw2-az4", "usw2-az5", "usw2-az6"]
  }
}

override_data {
  target = module.network[0].data.aws_vpc_endpoint_service.interface
  values = { availability_zones = ["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d", "us-west-2e", "us-west-2f"] }
}

override_data {
  target = module.management_host[0].data.aws_ssm_parameter.image
  values = { insecure_value = "ami-0123456789abcdef0" }
}

override_data {
  target = data.aws_eks_cluster.existing[0]
  values = {
    name          = "brought-along"
    endpoint      = "https://0123456789ABCDEF.gr7.us-west-2.eks.amazonaws.com"
    version       = "1.35"
    access_config = [{ authentication_mode = "API" }]
    vpc_config    = [{ cluster_security_group_id = "sg-0123456789abcdef0", endpoint_public_access = true }]
  }
}

override_data {
  target = data.aws_servicequotas_service_quota.vcpus
  values = { value = 1024 }
}

override_resource {
  target          = module.encryption.aws_kms_key.this
  override_during = plan
  values          = { arn = "arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555" }
}

override_resource {
  target          = module.secrets.aws_secretsmanager_secret.this
  override_during = plan
  values          = { arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:of-this-environment-AbCdEf" }
}

override_resource {
  target          = module.observability.aws_cloudwatch_log_group.containers
  override_during = plan
  values          = { arn = "arn:aws:logs:us-west-2:123456789012:log-group:containers" }
}

override_resource {
  target          = module.observability.aws_prometheus_workspace.this
  override_during = plan
  values          = { arn = "arn:aws:aps:us-west-2:123456789012:workspace/ws-1" }
}

override_resource {
  target          = module.storage.aws_efs_file_system.this
  override_during = plan
  values          = { arn = "arn:aws:elasticfilesystem:us-west-2:123456789012:file-system/fs-1" }
}

override_resource {
  target          = module.registry.aws_ecr_repository.this
  override_during = plan
  values          = { arn = "arn:aws:ecr:us-west-2:123456789012:repository/my-platform-prod/vllm-patched" }
}

override_resource {
  target          = module.identity.aws_iam_openid_connect_provider.github
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
}

run "plan" {
  command = plan
}
