"""Rules about what pods and people may do."""
