"""Base repositories that rules and faults are tried on, made by the real template.

Each folder holds the template's answers, files that are added, and edits; so a base repository is always what today's
template writes.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import copier
import yaml

from tests.repositories.edits import apply_edits

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]


def names() -> list[str]:
    """Return the names of the base repositories."""
    return sorted(path.parent.name for path in HERE.glob("*/answers.yaml"))


def make(name: str, destination: Path, **others: Any) -> Path:
    """Write a base repository and return its folder; `others` are answers that win over the base's own."""
    source = HERE / name
    answers = {**yaml.safe_load((source / "answers.yaml").read_text()), **others}
    _copy(destination, {"scope": "repository", "repository_name": "my-platform", "repository_url": URL})
    _copy(destination, {"scope": "environment", **answers})
    if (source / "files").is_dir():
        shutil.copytree(source / "files", destination, dirs_exist_ok=True)
    edits = source / "edits.yaml"
    if edits.is_file():
        apply_edits(destination, {"edit": yaml.safe_load(edits.read_text())})
    return destination


URL = "https://github.com/acme/my-platform.git"


def _copy(destination: Path, answers: dict[str, Any]) -> None:
    copier.run_copy(
        str(PROJECT), destination, data=answers, defaults=True, quiet=True, vcs_ref="HEAD", unsafe=False, overwrite=True
    )
