"""Rules about where pods can run."""
