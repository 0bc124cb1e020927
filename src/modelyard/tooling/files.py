"""Files that are written whole or not at all, and work that two processes must not do at once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from modelyard.findings import UserError


def write_whole(path: Path, content: bytes | str, *, mode: int = 0o644) -> None:
    """Write `content` to `path` so that a reader sees the old file or the new one, never a part.

    Args:
        path: File to write; missing folders above it are made.
        content: Text is written as UTF-8.
        mode: Permission bits of the file.

    Raises:
        UserError: The folder cannot be written to.
    """
    raw = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as problem:
        raise unwritable(path, problem) from problem
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(raw)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException as problem:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(problem, OSError):
            raise unwritable(path, problem) from problem
        raise


def unwritable(path: Path, problem: OSError) -> UserError:
    """Return the refusal for a path that cannot be written."""
    return UserError(
        f"{path} cannot be written: {problem.strerror or problem}",
        fix="make the folder writable, or choose another with MODELYARD_CACHE_DIR and MODELYARD_DATA_DIR",
    )


@contextlib.contextmanager
def exclusive(path: Path, *, timeout: float, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; the kernel frees it when the process ends.

    Args:
        path: Lock file; it is made when missing and stays.
        timeout: Seconds to wait for another holder.
        waiting: Called once when another process holds the lock.

    Raises:
        UserError: Another process held the lock for `timeout` seconds, or the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+b")
    except OSError as problem:
        raise unwritable(path, problem) from problem
    with stream:
        deadline = time.monotonic() + timeout
        told = False
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as problem:
                if not isinstance(problem, BlockingIOError):
                    raise unwritable(path, problem) from problem
            if time.monotonic() >= deadline:
                raise UserError(
                    f"another modelyard process holds {path} for more than {timeout:g} s",
                    fix="wait for it to end and run the command again",
                )
            if not told:
                waiting()
                told = True
            time.sleep(0.1)
        yield
