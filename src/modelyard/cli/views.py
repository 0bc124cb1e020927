"""The environments of a repository, rendered for verbs that look at them without checking."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.cli.options import require_folder
from modelyard.findings import NotChecked

if TYPE_CHECKING:
    from modelyard.repository import Repository
    from modelyard.view import Environment


def views(
    path: Path, environments: Sequence[str], plans: Sequence[Path] = ()
) -> tuple[Repository, list[Environment], list[NotChecked]]:
    """Return a repository, the views of its environments, and what could not be rendered.

    Args:
        path: The repository's folder.
        environments: Names; all when empty.
        plans: Plans of Terraform as JSON.

    Raises:
        UserError: It is no folder, holds no environment, a named one does not exist, or a plan is of none of them.
    """
    from modelyard.checking import CheckOptions
    from modelyard.checking.environments import environments as environments_of
    from modelyard.cli.terminal import Progress
    from modelyard.repository import Repository

    require_folder(path)
    repository = Repository(path)
    options = CheckOptions(environments=tuple(environments), plans=tuple(plans))
    with Progress() as progress:
        rendered = environments_of(repository, options, progress)
    gaps = list(rendered.all_gaps)
    for view in rendered.views:
        for each in view.applications:
            if each.errors:
                told = NotChecked(each, f"{each.target} does not build", "modelyard check", environment=view.name)
                gaps.append(told.with_defaults(application=each.name))
    return repository, list(rendered.views), gaps
