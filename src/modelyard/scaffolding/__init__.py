"""Writing a GitOps repository and keeping it current, by Copier."""
