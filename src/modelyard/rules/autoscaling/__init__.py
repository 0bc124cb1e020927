"""Rules about autoscaling."""
