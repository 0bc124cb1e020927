"""Each verb of the command line, one module a verb."""
