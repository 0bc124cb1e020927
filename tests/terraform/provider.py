"""Finds Terraform and the AWS provider on this machine, since neither belongs to the project."""

from pathlib import Path

from modelyard.rehearsal.cloud import needs
from modelyard.tooling import find

VARIABLE = needs.PLUGINS


def terraform() -> str | None:
    """The terraform executable of at least the version that the root asks for, or None."""
    found = find("terraform")
    return str(found.path) if found is not None and found.pinned else None


def plugin_directory() -> Path | None:
    """A folder for `terraform init -plugin-dir` that holds the AWS provider, or None; looked for everywhere."""
    return needs.plugin_folder() or needs.searched_plugin_folder()
