"""Level `cloud`: the environment's Terraform applied to a mock AWS, and Karpenter's own AWS provider at work in it."""
