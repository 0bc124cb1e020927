"""Rules about Modelyard's own settings."""
