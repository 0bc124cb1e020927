"""Rules about what the API server accepts."""
