environment_name = "dev"
cluster_name     = "my-platform-dev"
account_id       = "123456789012"
region           = "us-west-2"
zones            = ["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d"]
