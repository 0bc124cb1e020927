"""Rules about Kustomize."""
