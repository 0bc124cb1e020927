"""One check of a repository, from files to a report."""

from modelyard.checking.check import Checked, check, check_repository, check_with_views
from modelyard.checking.options import Backend, CheckOptions, Progress
from modelyard.checking.tools import CheckContext

__all__ = [
    "Backend",
    "CheckContext",
    "CheckOptions",
    "Checked",
    "Progress",
    "check",
    "check_repository",
    "check_with_views",
]
