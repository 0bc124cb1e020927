"""Files that scripts write: written, or compared with what they should be."""

from __future__ import annotations

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def keep(path: Path, wanted: str, *, check: bool, remedy: str) -> int:
    """Write a file of the project, or say that it is not current, and return the exit code.

    Args:
        path: The file.
        wanted: Its content.
        check: Whether to compare only.
        remedy: The command that writes it.
    """
    if not check:
        path.write_text(wanted)
    elif not path.is_file() or path.read_text() != wanted:
        print(f"{path.relative_to(PROJECT)} is not current: run {remedy}", file=sys.stderr)
        return 1
    return 0


def between(text: str, begin: str, end: str, content: str) -> str:
    """Return a page with other lines between two marks, each of which has a line of its own."""
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.partition(end)[2]}"
