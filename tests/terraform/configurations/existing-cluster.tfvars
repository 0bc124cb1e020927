environment_name = "brought"
cluster_name     = "brought-along"
account_id       = "123456789012"
region           = "us-west-2"
zones            = ["us-west-2a", "us-west-2b"]

existing_cluster = {
  vpc_id     = "vpc-0123456789abcdef0"
  subnet_ids = { us-west-2a = "subnet-0aaaaaaaaaaaaaaaa", us-west-2b = "subnet-0bbbbbbbbbbbbbbbb" }
}
