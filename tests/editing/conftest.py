"""Repositories to edit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

LEFT_OUT = shutil.ignore_patterns("terraform")  # not edited here


@dataclass(frozen=True)
class Outcome:
    """What a command left."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session", autouse=True)
def one_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep renderings for the whole session, and apart from the user's."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MODELYARD_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture
def starter(bases: Mapping[str, Path], tmp_path: Path) -> Path:
    """Return a repository with the template's starter models in `dev`."""
    return Path(shutil.copytree(bases["starter-models"], tmp_path / "my-platform", symlinks=True, ignore=LEFT_OUT))


@pytest.fixture
def untouched(bases: Mapping[str, Path]) -> Path:
    """Return the same repository for tests that write nothing."""
    return bases["starter-models"]


@pytest.fixture
def two(bases: Mapping[str, Path], tmp_path: Path) -> Path:
    """Return a repository with the environments dev and prod."""
    return Path(shutil.copytree(bases["many-environments"], tmp_path / "two", symlinks=True, ignore=LEFT_OUT))


@pytest.fixture
def modelyard(tmp_path: Path) -> Callable[..., Outcome]:
    """Return a function that runs the command line in a folder."""

    def run(folder: Path, *arguments: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "modelyard", *arguments],
            cwd=folder,
            env={**os.environ, "NO_COLOR": "1", "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=180,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


def snapshot(root: Path) -> dict[str, bytes]:
    """Return every file of a repository."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
