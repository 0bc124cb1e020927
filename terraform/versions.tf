terraform {
  # 1.11 is the first release whose S3 backend locks without a table (use_lockfile is out of preview).
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # Users get the newest 6.x; the project's own tests run 5.100 (see the decision record on the provider).
      version = ">= 5.100.0, < 7.0.0"
    }
  }

  # The bucket, key and region come from environments/<env>/backend.hcl.
  backend "s3" {}
}
