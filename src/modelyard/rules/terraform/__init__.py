"""Rules about what Terraform makes, and whether manifests agree with it."""
