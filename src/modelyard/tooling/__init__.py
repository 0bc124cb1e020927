"""External programs: where they are, which version is pinned, how they are run."""
