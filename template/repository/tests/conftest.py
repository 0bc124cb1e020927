"""`pytest` runs the checks of this repository: one item per application, and the rules in policies/."""

pytest_plugins = ["modelyard.checking.pytest_plugin"]
