"""One check of a repository, from files to a report."""

from modelyard.checking.check import Checked, check, check_repository, check_with_views
from modelyard.checking.environments import RenderedEnvironment, RenderedEnvironments, application_names, environments
from modelyard.checking.options import Backend, CheckOptions, Progress
from modelyard.checking.tools import CheckContext

__all__ = [
    "Backend",
    "CheckContext",
    "CheckOptions",
    "Checked",
    "Progress",
    "RenderedEnvironment",
    "RenderedEnvironments",
    "application_names",
    "check",
    "check_repository",
    "check_with_views",
    "environments",
]
