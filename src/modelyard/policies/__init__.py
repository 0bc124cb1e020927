"""The team's own rules, plain Python in the GitOps repository."""
