"""What lies in the cache: how much of it, since when, and what can go.

Everything in it is named by the content that it was made of, so removing an entry costs making it again, and an entry
is never stale. What was downloaded is apart: making that again takes the network.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from modelyard.tooling import directories

MEBIBYTE = 1024 * 1024
MOST_BYTES = 512 * MEBIBYTE
"""Renderings are kept up to this size; the oldest go first."""
MOST_FINDING_BYTES = 64 * MEBIBYTE
"""Findings are kept up to this size."""
DAY_SECONDS = 24 * 3600.0
SHORTEST_SECONDS = 3600.0
"""Nothing younger is removed: a check that runs now may be about to read it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One folder of the cache.

    Attributes:
        name: Its name.
        holds: What is in it.
        whole: Whether an entry is a folder, whose files are of use only together.
        fetched: Whether it takes the network to have it again.
    """

    name: str
    holds: str
    whole: bool = False
    fetched: bool = False


PARTS = (
    Part("renderings", "what targets render to, with the verdicts of the API server's schemas"),
    Part("findings", "what rules said of an environment, and what it was made of"),
    Part("schemas", "schemas as files, and definitions that were read", whole=True),
    Part("terraform", "what Terraform's files say"),
    Part("folders", "charts of the repository's own folders, packed"),
    Part("versions", "versions that programs told"),
    Part("crashes", "details of internal errors"),
    Part("fetched", "charts and definitions that `modelyard fetch` brought", fetched=True),
    Part("local", "charts that were packed here", fetched=True),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    Attributes:
        path: File or folder.
        size: Bytes.
        used: When it was last written or used, in seconds since the epoch.
    """

    path: Path
    size: int
    used: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What one part holds.

    Attributes:
        part: The part.
        entries: Oldest first.
    """

    part: Part
    entries: tuple[Entry, ...] = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(each.size for each in self.entries)


def usage() -> tuple[Usage, ...]:
    """Return what each part holds; what vanishes meanwhile is left out."""
    return tuple(
        Usage(part, tuple(sorted(_entries(directories.cache() / part.name, part), key=lambda each: each.used)))
        for part in PARTS
    )


def removable(
    held: tuple[Usage, ...], now: float, *, older_than: float, most: int = MOST_BYTES, fetched: bool = False
) -> tuple[Entry, ...]:
    """Return what can go.

    Args:
        held: What there is.
        now: The present time, in seconds since the epoch.
        older_than: Seconds for which an entry was not used.
        most: Bytes that renderings may keep; beyond, the oldest go though they were used.
        fetched: Whether what was downloaded may go too.
    """
    gone: list[Entry] = []
    for each in held:
        if each.part.fetched and not fetched:
            continue
        excess = each.size - most if each.part.name == "renderings" else 0
        if each.part.name == "findings":
            excess = each.size - min(most, MOST_FINDING_BYTES)
        for entry in each.entries:
            # A clock that went back leaves entries of the future; they count as used now.
            age = max(0.0, now - entry.used)
            if age >= SHORTEST_SECONDS and (age >= older_than or excess > 0):
                gone.append(entry)
                excess -= entry.size
    return tuple(gone)


def remove(entries: tuple[Entry, ...]) -> int:
    """Remove entries, and return the bytes that became free; what cannot be removed stays.

    A folder is renamed first, so that nobody finds a part of it.
    """
    free = 0
    for entry in entries:
        aside = entry.path.with_name(f".{entry.path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            entry.path.rename(aside)
            if aside.is_dir():
                shutil.rmtree(aside)
            else:
                aside.unlink()
            free += entry.size
    return free


def _entries(folder: Path, part: Part) -> Iterator[Entry]:
    if part.whole:
        for above in _listed(folder):
            files = list(_files(above.path)) if above.is_dir(follow_symlinks=False) else []
            if files:
                used = max(each.used for each in (*files, Entry(Path(above.path), 0, above.stat().st_mtime)))
                yield Entry(Path(above.path), sum(each.size for each in files), used)
    else:
        yield from _files(folder)


def _files(folder: Path | str) -> Iterator[Entry]:
    for each in _listed(folder):
        with contextlib.suppress(OSError):
            if each.is_dir(follow_symlinks=False):
                yield from _files(each.path)
            elif each.is_file(follow_symlinks=False):
                state = each.stat(follow_symlinks=False)
                yield Entry(Path(each.path), state.st_size, state.st_mtime)


def _listed(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []
