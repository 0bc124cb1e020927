"""Rooms stand in one line, and modules stay small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
MODULES = sorted(PROJECT.glob("src/modelyard/**/*.py"))


def test_each_room_imports_only_from_rooms_before_it() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PROJECT / "src")))
def test_module_is_short_enough_to_read(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 400, "split it by concern"
