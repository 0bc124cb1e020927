"""One check of a repository, from files to a report."""

from modelyard.checking.check import application_names, check, check_repository, environments, tools_for
from modelyard.checking.options import Backend, CheckOptions, Progress
from modelyard.checking.tools import CheckContext

__all__ = [
    "Backend",
    "CheckContext",
    "CheckOptions",
    "Progress",
    "application_names",
    "check",
    "check_repository",
    "environments",
    "tools_for",
]
