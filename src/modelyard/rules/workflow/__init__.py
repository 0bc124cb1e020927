"""Rules about the repository's GitHub workflows."""
