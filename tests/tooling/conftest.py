"""Folders of their own for the tests of external programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelyard.tooling import executables

Program = Callable[[str, str], Path]


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache, a data folder and a PATH that hold nothing; yields the folder on PATH."""
    path = tmp_path / "path"
    path.mkdir()
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MODELYARD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", str(path))
    executables.forget()
    yield path
    executables.forget()


@pytest.fixture
def program(own_folders: Path) -> Program:
    """Puts a shell script on PATH."""

    def make(name: str, script: str) -> Path:
        file = own_folders / name
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)
        return file

    return make
