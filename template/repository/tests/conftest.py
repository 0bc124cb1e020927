"""`pytest` runs the checks of this repository: one item per application, and the rules in policies/."""

pytest_plugins = ["modelyard.reporting.pytest_plugin"]
