"""Files that are written whole or not at all, and work that two processes must not do at once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from modelyard.findings import UserError

TEMPORARY = ".modelyard"
"""End of the name of a file that is being written, beside the one that it becomes."""


def write_whole(path: Path, content: bytes | str, *, mode: int = 0o644) -> None:
    """Write `content` to `path` so that a reader sees the old file or the new one, never a part.

    What a killed process left of an earlier attempt is removed.

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
        descriptor, temporary = _temporary(path)
    except OSError as problem:
        raise unwritable(path, problem) from problem
    try:
        # Closed before it takes its place: some file systems tell only then what failed.
        with os.fdopen(os.dup(descriptor), "wb") as stream:
            stream.write(raw)
        os.fchmod(descriptor, mode)
        temporary.replace(path)
    except BaseException as problem:
        temporary.unlink(missing_ok=True)
        if isinstance(problem, OSError):
            raise unwritable(path, problem) from problem
        raise
    finally:
        os.close(descriptor)


def _temporary(path: Path) -> tuple[int, Path]:
    """Make the file that becomes `path`, locked for as long as its writer lives, so that others know what was left.

    It has one name for each path: at most one can be left, and the next writer takes it away.
    """
    made = path.with_name(f".{path.name}{TEMPORARY}")
    while True:
        try:
            descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            _take_away(made)
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:  # a file system without locks: nobody can tell what was left there
            os.close(descriptor)
            made.unlink(missing_ok=True)
            descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            return descriptor, Path(name)
        if _is(descriptor, made):
            return descriptor, made
        os.close(descriptor)  # another writer took it for one that was left


def _take_away(left: Path) -> None:
    """Remove a file that nobody writes any more; wait for who writes it."""
    try:
        if not stat.S_ISREG(left.lstat().st_mode):
            left.unlink()
            return
        descriptor = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _is(descriptor, left):
            left.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _is(descriptor: int, path: Path) -> bool:
    """Return whether an open file is the one that stands at a path now."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


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
