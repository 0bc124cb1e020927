"""Whether each resource is legal for the pinned versions."""
