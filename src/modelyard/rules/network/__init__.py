"""Rules about what reaches what."""
