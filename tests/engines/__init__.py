"""A new engine, as an engineer adds one."""
