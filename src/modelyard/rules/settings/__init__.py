"""Rules about an engine's settings."""
