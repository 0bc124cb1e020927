"""How much of a foreign file is read: more than people write, less than what stops a check."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from pathlib import Path

from modelyard.findings import At, Place, UserError

MAX_FILE_BYTES = 20 * 1024 * 1024
"""Larger files are refused: no manifest is that long, and reading one would take the check's memory."""

MAX_DEPTH = 200
"""Manifests nest some twenty levels; libyaml's composer and every walk over a value recurse once a level."""

MAX_NODES = 500_000
"""Mappings, lists and scalars of one text; the definitions of a large operator have a fifth of that."""

MAX_ALIASES = 100
"""An alias bomb needs many aliases; hand-written YAML has few."""

MAX_EXPANSION = 100_000
"""Nodes that aliases and merge keys would add if they were written out, merges of merges included."""

MAX_TERRAFORM_BYTES = 256 * 1024
"""A file of Terraform variables; its parser reads some 30 KB a second."""

_PIPES = ("/dev/fd/", "/proc/")


class UnreadableFile(UserError):
    """A file cannot be read: missing, too large, no ordinary file, not text, or outside the repository."""


def content_of(path: Path, name: str = "", *, most: int = MAX_FILE_BYTES, fix: str = "", pipes: bool = False) -> bytes:
    """Return the content of a file without waiting for a writer, and without reading more than a limit.

    Args:
        path: The file, links followed.
        name: Its name for messages; the path when empty.
        most: Bytes that are read at most.
        fix: The remedy that a refusal names.
        pipes: Whether a pipe of the shell's, as of `<(command)` and standard input, is read as well.

    Raises:
        UnreadableFile: The file is missing, unreadable, larger than `most`, or a folder, pipe, socket or device.
    """
    name = name or str(path)
    at = At(Place(name))
    try:
        # Without O_NONBLOCK the opening of a pipe waits until something writes to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - what is opened is a descriptor
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode):
                size = status.st_size
                content = b"" if size > most else file.read(size + 1)
            elif pipes and stat.S_ISFIFO(status.st_mode) and str(path).startswith(_PIPES):
                os.set_blocking(descriptor, True)
                content = _all_of(descriptor, most)
                size = len(content)
            else:
                raise UnreadableFile(f"{name} is no ordinary file", fix=fix or "name a file with text", at=at)
    except OSError as fault:
        reason = (fault.strerror or "unreadable").lower()
        raise UnreadableFile(f"{name} cannot be read: {reason}", fix=fix, at=at) from fault
    except ValueError as fault:  # a null character in the name
        raise UnreadableFile(f"{name} cannot be read: {fault}", fix=fix, at=at) from fault
    if size > most:
        raise UnreadableFile(
            f"{name} has {_amount(size)}, more than the {_amount(most)} that are read",
            fix=fix or "keep large data out of the repository",
            at=at,
        )
    return content


def standard_input(*, most: int = MAX_FILE_BYTES, fix: str = "") -> str:
    """Return the text that comes by standard input.

    Raises:
        UnreadableFile: It is longer than `most` bytes, is no text in UTF-8, or cannot be read.
    """
    name = "standard input"
    at = At(Place(name))
    try:
        content = sys.stdin.buffer.read(most + 1)
        if len(content) > most:
            raise UnreadableFile(f"{name} has more than the {_amount(most)} that are read", fix=fix, at=at)
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableFile(f"{name} is not UTF-8 text", fix=fix, at=at) from None
    except OSError as fault:
        raise UnreadableFile(
            f"{name} cannot be read: {(fault.strerror or 'unreadable').lower()}", fix=fix, at=at
        ) from fault


def is_ordinary(path: Path) -> bool:
    """Return whether a path is a file that can be read without waiting, links followed."""
    with contextlib.suppress(OSError, ValueError):
        return path.is_file()
    return False


def _all_of(descriptor: int, most: int) -> bytes:
    parts: list[bytes] = []
    length = 0
    while length <= most and (part := os.read(descriptor, 1 << 16)):
        parts.append(part)
        length += len(part)
    return b"".join(parts)


def _amount(size: int) -> str:
    return f"{size / 2**20:.0f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"
