"""One check of a repository, from files to a report."""

from modelyard.checking.check import application_names, check, environments
from modelyard.checking.options import Backend, CheckOptions, Progress

__all__ = ["Backend", "CheckOptions", "Progress", "application_names", "check", "environments"]
