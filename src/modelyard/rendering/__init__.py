"""Resources of a Kustomize target and where each of their values came from."""
