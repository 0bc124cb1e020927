"""One check of a repository, from files to a report."""

from modelyard.checking.check import check, check_repository
from modelyard.checking.environments import RenderedEnvironment, RenderedEnvironments, application_names, environments
from modelyard.checking.options import Backend, CheckOptions, Progress
from modelyard.checking.tools import CheckContext

__all__ = [
    "Backend",
    "CheckContext",
    "CheckOptions",
    "Progress",
    "RenderedEnvironment",
    "RenderedEnvironments",
    "application_names",
    "check",
    "check_repository",
    "environments",
]
