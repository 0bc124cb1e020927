"""One check of a repository, from files to a report."""
