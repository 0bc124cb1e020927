"""One check of a repository, from files to a report."""

from modelyard.checking.check import check, environments
from modelyard.checking.options import Backend, CheckOptions, Progress

__all__ = ["Backend", "CheckOptions", "Progress", "check", "environments"]
