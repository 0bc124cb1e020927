"""What is on disk: environments, applications, kustomizations, settings."""
