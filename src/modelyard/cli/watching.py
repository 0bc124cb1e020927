"""`modelyard check --watch`: once more whenever a file changed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from modelyard.cli.boundary import guarded
from modelyard.cli.terminal import show
from modelyard.findings import ExitCode
from modelyard.reporting import visible
from modelyard.wording import join_and

_SHORTEST = 0.3
_SETTLED = 0.15
_SHARE = 0.03
"""Part of the time that is spent on looking, at most."""
_OTHERS = frozenset({".git", ".terraform", ".venv", "__pycache__", "node_modules"})
_NAMED = 3

State = tuple[int, int, int]


def watched(root: Path, check: Callable[[], int], sleep: Callable[[float], None] = time.sleep) -> int:
    """Check, and check again after each change below a folder, until somebody interrupts.

    A refusal, such as a file that is not YAML while somebody types, is told and ends nothing.

    Args:
        root: The folder.
        check: Checks and tells what is found.
        sleep: Waits for some seconds.

    Returns:
        The exit code of an interruption; there is no other end.
    """
    while True:
        before = snapshot(root)
        if guarded(check) == ExitCode.INTERRUPTED:
            return ExitCode.INTERRUPTED
        show([[("watching for changes; Ctrl-C ends", "faint")]])
        sys.stdout.flush()
        changed = _next_change(root, before, sleep)
        show([[], [(f"changed: {visible(join_and(changed, most=_NAMED))}", "strong")]])


def snapshot(root: Path) -> Mapping[str, State]:
    """Return size, time and number of each file below a folder; what Git and tools keep for themselves is left out."""
    found: dict[str, State] = {}
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name not in _OTHERS:
                            folders.append(path)
                        continue
                    state = entry.stat(follow_symlinks=False)
                    found[path] = (state.st_mtime_ns, state.st_size, state.st_ino)
        except OSError:
            continue  # it went away meanwhile
    return found


def _next_change(root: Path, before: Mapping[str, State], sleep: Callable[[float], None]) -> list[str]:
    """Return the files that changed, when one did and nothing changes any more."""
    while True:
        started = time.monotonic()
        now = snapshot(root)
        took = time.monotonic() - started
        if now == before:
            sleep(max(_SHORTEST, took / _SHARE))
            continue
        while True:
            sleep(_SETTLED)
            later = snapshot(root)
            if later == now:
                break
            now = later
        if now != before:  # an editor's own file came and went
            return sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))
