"""Platform components and node pools that an environment lacks, and the command that brings them."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard import view
from modelyard.editing.changes import StagedFiles
from modelyard.editing.environment_folder import EnvironmentFiles


def how_to_bring(environment: EnvironmentFiles, names: Iterable[str]) -> str:
    """Return how an environment gets platform components, with all that they need themselves; empty where it has them.

    Args:
        environment: The environment.
        names: Components; names that are none of this repository's are left out.
    """
    files = StagedFiles(environment.changes)
    return view.how_to_bring(files, environment.name, environment.folder, environment.applications, names)


def how_to_bring_pool(environment: EnvironmentFiles, pool: str) -> str:
    """Return the command with which an environment gets a node pool; empty where no component of it brings one."""
    files = StagedFiles(environment.changes)
    return view.how_to_bring_pool(files, environment.name, environment.folder, sorted(environment.applications), pool)
