"""What a newer version of the template asks of files that are the user's own, done after its three-way merge.

A migration is run with every update to its version or a later one, so it has to leave alone what it has changed before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.editing.changes import Changes, StagedFiles
from modelyard.editing.environment_folder import GENERATE_PATHS, EnvironmentFiles, environment_files
from modelyard.editing.splicing import Text
from modelyard.repository import Kustomizations, Repository

Version = tuple[int, int, int]

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Migration:
    """One change of the user's files.

    Attributes:
        name: Its name.
        since: Version of the template that asks for it; None for what every version asks for.
        summary: What it does, in one sentence without a final stop.
        apply: Does it to one environment; without effect where it is done already.
    """

    name: str
    since: Version | None
    summary: str
    apply: Callable[[EnvironmentFiles], None]


def migrate(
    root: Path, environments: Iterable[str], version: str, known: Sequence[Migration] | None = None
) -> tuple[str, ...]:
    """Do what a version of the template asks of environments, and return summaries of what changed something.

    Args:
        root: The repository, with that version merged.
        environments: Names of environments.
        version: The template's version as recorded; one that is no release, such as a commit, counts as the newest.
        known: The migrations; all of `MIGRATIONS` when None.

    Raises:
        UserError: A file that it reads is not what it should be; nothing of that migration is written then.
    """
    done = []
    names = tuple(environments)
    for migration in due(version, MIGRATIONS if known is None else known):
        changes = Changes(root)
        for name in names:
            migration.apply(environment_files(changes, name))
        if changes.files_changed:
            changes.apply()
            done.append(migration.summary)
    return tuple(done)


def due(version: str, known: Sequence[Migration]) -> list[Migration]:
    """Return the migrations that a version asks for, oldest first."""
    found = _VERSION.match(version)
    at = tuple(map(int, found.groups())) if found else None
    asked = [each for each in known if each.since is None or at is None or each.since <= at]
    return sorted(asked, key=lambda each: each.since or (1 << 30, 0, 0))


def _generate_paths(environment: EnvironmentFiles) -> None:
    """Compute anew which folders make Argo CD render each Application again: bases may read others than before."""
    changes = environment.changes
    repository = Repository(changes.root, StagedFiles(changes))
    repository.kustomizations = Kustomizations(repository.files)
    for entry in environment.listed:
        file = f"{environment.folder}/{entry}"
        if not entry.startswith("applications/") or not changes.exists(file):
            continue
        text = Text(file, changes.text(file))
        known = text.get(["metadata", "annotations", GENERATE_PATHS])
        target = next(_targets(text.value), None)
        if not isinstance(known, str) or target is None or repository.kustomizations.tree(target).problems:
            continue
        paths = repository.manifest_generate_paths(target)
        if paths != known:
            text.set_scalar(["metadata", "annotations", GENERATE_PATHS], paths)
            changes.write(file, str(text))


def _targets(stub: Any) -> Iterator[str]:
    spec = stub.get("spec") if isinstance(stub, dict) else None
    if not isinstance(spec, dict):
        return
    sources = [spec.get("source"), *(spec.get("sources") or ())]
    yield from (each["path"] for each in sources if isinstance(each, dict) and isinstance(each.get("path"), str))


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "generate-paths",
        None,
        "recompute the folders that make Argo CD render an Application again (manifest-generate-paths)",
        _generate_paths,
    ),
)
"""Every migration; a new one is added here with the version that asks for it."""
