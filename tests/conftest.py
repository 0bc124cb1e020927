"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import repositories


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the base repositories by name; made once, never changed."""
    folder = tmp_path_factory.mktemp("bases")
    return {name: repositories.make(name, folder / name) for name in repositories.names()}


@pytest.fixture
def one_model(bases: dict[str, Path], tmp_path: Path) -> Path:
    """Return a repository of one's own with Qwen3-1.7B as `chat`."""
    return Path(shutil.copytree(bases["one-model"], tmp_path / "one-model", symlinks=True))


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Return a function that writes files by path and returns their root."""

    def write(files: dict[str, str]) -> Path:
        for path, content in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content)
        return tmp_path

    return write
