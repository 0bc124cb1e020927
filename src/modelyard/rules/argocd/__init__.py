"""Rules about Argo CD."""
