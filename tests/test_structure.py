"""Rooms stand in one line, and modules stay small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
MODULES = sorted(PROJECT.glob("src/modelyard/**/*.py"))


def test_each_room_imports_only_from_rooms_before_it() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_modules_are_short_enough_to_read() -> None:
    lengths = {str(module.relative_to(PROJECT)): len(module.read_text().splitlines()) for module in MODULES}
    assert {module: lines for module, lines in lengths.items() if lines > 400} == {}, "split these by concern"
