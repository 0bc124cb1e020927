"""What environments and models may cost."""
