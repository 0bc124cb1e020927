"""Rules about the facts of an environment."""
