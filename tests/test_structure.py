"""Layers stand in one line, and modules stay small."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1]
MODULES = sorted(PROJECT.glob("src/modelyard/**/*.py"))


def test_each_room_imports_only_from_rooms_before_it() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_table_of_layers_is_in_the_order_that_the_linter_holds() -> None:
    table = re.findall(r"^\| `(\w+)` \|", (PROJECT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    (contract,) = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [line.replace("modelyard.", "").split(" | ") for line in reversed(contract["layers"])]
    position = {name: number for number, line in enumerate(layers) for name in line}
    assert set(table) == set(position)
    assert [position[name] for name in table] == sorted(position.values())


def test_modules_are_short_enough_to_read() -> None:
    lengths = {str(module.relative_to(PROJECT)): len(module.read_text().splitlines()) for module in MODULES}
    assert {module: lines for module, lines in lengths.items() if lines > 400} == {}, "split these by concern"
