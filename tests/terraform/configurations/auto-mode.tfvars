environment_name   = "auto"
cluster_name       = "my-platform-auto"
account_id         = "123456789012"
region             = "us-west-2"
zones              = ["us-west-2a", "us-west-2b", "us-west-2c"]
auto_mode          = true
shared_file_system = true
