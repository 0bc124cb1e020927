"""Whose policies run: those of repositories that the user named outside of them.

See docs/adr/0304-policies-run-where-their-user-says-so.md.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import orjson

from modelyard.findings import UserError
from modelyard.tooling import write_whole
from modelyard.tooling.directories import state

VARIABLE = "MODELYARD_POLICIES"
"""Folders, separated as in PATH: the policies of repositories in or below them run."""

_MOST = 1000


def may_run(root: Path) -> bool:
    """Return whether the user said that the policies of the repository in this folder run."""
    real = root.resolve()
    for name in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        folder = Path(name).expanduser()
        if folder.is_absolute() and real.is_relative_to(folder.resolve()):
            return True
    return _made().get(str(real)) == _inode(real)


def made_here(root: Path) -> None:
    """Remember that the user made this repository; another one at the same place is another folder."""
    real = root.resolve()
    made = {path: inode for path, inode in _made().items() if path != str(real)}
    made[str(real)] = _inode(real)
    with contextlib.suppress(UserError):  # it costs --policies
        write_whole(_file(), orjson.dumps(dict(list(made.items())[-_MOST:])), mode=0o600)


def _made() -> dict[str, int]:
    try:
        content = orjson.loads(_file().read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _inode(folder: Path) -> int:
    return folder.stat().st_ino


def _file() -> Path:
    return state() / "repositories.json"
