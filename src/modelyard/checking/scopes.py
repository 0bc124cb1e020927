"""What a path stands for: a repository, a folder of one, one kustomization, or manifests on standard input."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelyard.findings import UserError
from modelyard.repository import ANSWERS, ENVIRONMENTS, SETTINGS, Repository
from modelyard.repository.kustomization import FILE_NAMES
from modelyard.repository.yaml import documents

STANDARD_INPUT = Path("-")
_STREAM = "manifests.yaml"
_FACTS = "environment.yaml"


def opened(path: Path) -> Repository:
    """Return the repository that a path is of, with the folder in it that is asked about.

    A folder below the top of a Git checkout is a part of that repository: what it reads may lie beside it. One with
    environments, answers or settings of its own is a repository, wherever it lies.

    Args:
        path: A folder, or a kustomization's file.

    Raises:
        UserError: There is no such folder.
    """
    folder = path.parent if path.name in FILE_NAMES and path.is_file() else path
    if not folder.is_dir():
        return Repository(folder)
    top = _top(folder.resolve())
    if top is None or _is_repository(folder):
        return Repository(folder)
    return Repository(top, scope=folder.resolve().relative_to(top).as_posix())


def _top(folder: Path) -> Path | None:
    """Return the top of the Git checkout above a folder; None where it is one itself, or in none."""
    if (folder / ".git").exists():
        return None
    return next((each for each in folder.parents if (each / ".git").exists()), None)


def _is_repository(folder: Path) -> bool:
    return any((folder / name).exists() for name in (ANSWERS, SETTINGS, ENVIRONMENTS, _FACTS))


@contextmanager
def streamed(text: str) -> Iterator[Path]:
    """Yield a folder that holds what came by standard input.

    Raises:
        UserError: Nothing came, or what came is no YAML, or holds no manifests.
    """
    if not text.strip():
        raise UserError(
            "standard input is empty", fix="pipe manifests into it: kustomize build FOLDER | modelyard check -"
        )
    if not any(isinstance(each, dict) and each.get("kind") for each in documents("standard input", text)):
        raise UserError(
            "standard input holds no manifests",
            fix="pipe manifests into it: kustomize build FOLDER | modelyard check -",
        )
    with tempfile.TemporaryDirectory(prefix="modelyard-stream-") as folder:
        (Path(folder) / _STREAM).write_text(text, encoding="utf-8")
        yield Path(folder)
