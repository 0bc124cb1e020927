"""Which code runs: what is kept from one run to the next is of the same code only."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson

import modelyard


@functools.cache
def code_identity() -> str:
    """Return a digest of this package as it is installed, of Python, and of the packages beside it.

    Files are told apart by size and time, as Git does; pages and cases of rules decide nothing. The packages that are
    installed beside are told apart by the time of their folder, which changes with each that comes or goes.
    """
    total = hashlib.sha256(f"{sys.version}\n".encode())
    libraries = Path(orjson.__file__).parents[1]
    total.update(f"{libraries} {libraries.stat().st_mtime_ns}\n".encode())
    for line in sorted(_files(str(Path(modelyard.__file__).parent))):
        total.update(line.encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def _files(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
                continue
            if entry.name.endswith(".md") or entry.name == "cases.yaml":
                continue
            state = entry.stat()
            yield f"{entry.path} {state.st_size} {state.st_mtime_ns}\n"
