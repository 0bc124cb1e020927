"""Copies of base repositories, in which one edit after another is made and taken back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.repositories.edits import apply_edits


class Copies:
    """Copies of base repositories that edits are made in and taken back from; a whole copy for each would take longer.

    Args:
        bases: The base repositories by name.
        folder: Where the copies are made.
    """

    def __init__(self, bases: Mapping[str, Path], folder: Path) -> None:
        self.bases = bases
        self.folder = folder

    @contextmanager
    def changed(self, name: str, edits: Mapping[str, Any]) -> Iterator[Path]:
        """Give a base repository with edits, which are taken back afterwards."""
        root = self.folder / name
        if not root.exists():
            shutil.copytree(self.bases[name], root, symlinks=True)
        try:
            apply_edits(root, dict(edits))
            yield root
        finally:
            for path in _touched(edits):
                _restore(self.bases[name], root, path)


def _touched(edits: Mapping[str, Any]) -> list[str]:
    written = ["charts.lock"] if "charts" in edits else []
    changed = (path for kind in ("write", "replace", "edit") for path in edits.get(kind, ()))
    return [*written, *edits.get("remove", ()), *changed]


def _restore(base: Path, root: Path, path: str) -> None:
    if (base / path).is_dir():
        shutil.rmtree(root / path, ignore_errors=True)
        shutil.copytree(base / path, root / path, symlinks=True)
    elif (base / path).is_file():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(base / path, root / path)
    else:
        (root / path).unlink(missing_ok=True)
        for above in (root / path).parents:
            if above == root or (base / above.relative_to(root)).exists() or any(above.iterdir()):
                break
            above.rmdir()
