"""By what a file that changed is known: its time, size and number."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

Stamp = tuple[int, int, int]
"""Time of change in nanoseconds, size in bytes, and number of the file."""
_OTHERS = frozenset({".git", ".terraform", ".venv", "__pycache__", "node_modules"})


def stamps(root: Path) -> Iterator[tuple[str, Stamp]]:
    """Yield each file and link below a folder with its stamp; what Git and tools keep for themselves is left out.

    What goes away meanwhile, or may not be read, is passed over.
    """
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
                    elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
                        state = entry.stat(follow_symlinks=False)
                        yield path, (state.st_mtime_ns, state.st_size, state.st_ino)
        except OSError:
            continue
