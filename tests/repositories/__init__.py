"""Base repositories that rules and faults are tried on, made by the real template.

Each folder holds the template's answers (a list of them for several environments), files that are added, and edits; so
a base repository is always what today's template writes.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import copier
import yaml

from modelyard.scaffolding.economy import economical
from tests.repositories.edits import apply_edits

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]


def names() -> list[str]:
    """Return the names of the base repositories."""
    return sorted(path.parent.name for path in HERE.glob("*/answers.yaml"))


def make(name: str, destination: Path, **others: Any) -> Path:
    """Write a base repository and return its folder; `others` are answers that win over the base's own."""
    source = HERE / name
    answers = yaml.safe_load((source / "answers.yaml").read_text())
    copy_template(destination, {"scope": "repository", "repository_name": "my-platform", "repository_url": URL})
    for environment in answers if isinstance(answers, list) else [answers]:
        copy_template(destination, {"scope": "environment", **environment, **others})
    if (source / "files").is_dir():
        shutil.copytree(source / "files", destination, dirs_exist_ok=True)
    edits = source / "edits.yaml"
    if edits.is_file():
        apply_edits(destination, {"edit": yaml.safe_load(edits.read_text())})
    return destination


class Bases(Mapping[str, Path]):
    """The base repositories by name, each made when it is first asked for; processes that share the folder share them.

    Args:
        folder: Where they are written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: dict[str, Path] = {}

    def __getitem__(self, name: str) -> Path:
        if name not in self._made:
            self.folder.mkdir(parents=True, exist_ok=True)
            whole = self.folder / f"{name}.whole"
            with (self.folder / f"{name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not whole.exists():
                    make(name, self.folder / name)
                    whole.touch()
            self._made[name] = self.folder / name
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(names())

    def __len__(self) -> int:
        return len(names())


URL = "https://github.com/acme/my-platform.git"


def copy_template(destination: Path, answers: dict[str, Any]) -> None:
    """Write what the template makes of answers into a folder."""
    with economical():
        copier.run_copy(
            str(PROJECT),
            destination,
            data=answers,
            defaults=True,
            quiet=True,
            vcs_ref="HEAD",
            unsafe=False,
            overwrite=True,
        )
