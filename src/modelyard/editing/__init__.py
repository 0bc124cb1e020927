"""Changing what a GitOps repository holds: models, features, environments; all files of an edit or none."""
