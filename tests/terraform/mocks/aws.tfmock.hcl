# What mocked resources answer where the provider checks the form of a value, or one resource reads another's.

mock_data "aws_partition" {
  defaults = { partition = "aws" }
}

mock_data "aws_availability_zones" {
  defaults = {
    names    = ["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d", "us-west-2e", "us-west-2f"]
    zone_ids = ["usw2-az1", "usw2-az2", "usw2-az3", "usw2-az4", "usw2-az5", "usw2-az6"]
  }
}

mock_data "aws_vpc_endpoint_service" {
  defaults = { availability_zones = ["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d", "us-west-2e", "us-west-2f"] }
}

mock_data "aws_iam_policy_document" {
  defaults = { json = "{\"Version\": \"2012-10-17\", \"Statement\": []}" }
}

mock_data "aws_eks_cluster" {
  defaults = {
    name          = "brought-along"
    access_config = [{ authentication_mode = "API" }]
    vpc_config    = [{ cluster_security_group_id = "sg-0123456789abcdef0", endpoint_public_access = true }]
  }
}

mock_data "aws_servicequotas_service_quota" {
  defaults = { value = 1024 }
}

mock_data "aws_ssm_parameter" {
  defaults = { insecure_value = "ami-0123456789abcdef0" }
}

mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::123456789012:role/mocked" }
}

mock_resource "aws_iam_policy" {
  defaults = { arn = "arn:aws:iam::123456789012:policy/mocked" }
}

mock_resource "aws_iam_openid_connect_provider" {
  defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:us-west-2:123456789012:log-group:mocked" }
}

mock_resource "aws_sqs_queue" {
  defaults = {
    arn = "arn:aws:sqs:us-west-2:123456789012:mocked"
    url = "https://sqs.us-west-2.amazonaws.com/123456789012/mocked"
  }
}

mock_resource "aws_launch_template" {
  defaults = { id = "lt-0123456789abcdef0", latest_version = 1 }
}

mock_resource "aws_eks_cluster" {
  defaults = {
    endpoint   = "https://0123456789ABCDEF.gr7.us-west-2.eks.amazonaws.com"
    vpc_config = { cluster_security_group_id = "sg-0123456789abcdef0" }
  }
}

mock_resource "aws_fsx_lustre_file_system" {
  defaults = { id = "fs-0123456789abcdef0" }
}
