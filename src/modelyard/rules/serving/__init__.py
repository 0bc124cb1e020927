"""Rules about how an engine serves."""
