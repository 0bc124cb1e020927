"""One check of a repository, from files to a report."""

from modelyard.checking.check import application_names, check, environments, tools_for
from modelyard.checking.options import Backend, CheckOptions, Progress
from modelyard.checking.tools import Tools

__all__ = [
    "Backend",
    "CheckOptions",
    "Progress",
    "Tools",
    "application_names",
    "check",
    "environments",
    "tools_for",
]
