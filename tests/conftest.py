"""Fixtures that the tests of several layers share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests import repositories


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what writes the findings that pages of rules show."""
    parser.addoption(
        "--write-examples", action="store_true", help="write what a rule prints into its page, instead of comparing"
    )


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what edits record apart from the user's; the policies of repositories that tests make run."""
    patch = pytest.MonkeyPatch()
    own = tmp_path_factory.getbasetemp()
    patch.setenv("MODELYARD_STATE_DIR", str((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "state"))
    patch.setenv("MODELYARD_POLICIES", str(own.parent))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Return the base repositories by name; each is made when it is first asked for, once, and never changed."""
    own = tmp_path_factory.getbasetemp()
    return repositories.Bases((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "bases")


@pytest.fixture
def one_model(bases: Mapping[str, Path], tmp_path: Path) -> Path:
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
