"""The folder of one rehearsal, gone when it ends, and what an earlier one left when it was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson

from modelyard.tooling import cache
from modelyard.tooling.background import BackgroundProcess, kill_group, started_at
from modelyard.tooling.files import unwritable
from modelyard.tooling.interrupts import interrupts_held

_LOCK = "lock"
_PROCESSES = "processes.json"


class RunFolder:
    """A folder that only this user can read, with all files of one rehearsal.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._processes: list[tuple[int, str]] = []

    def remember(self, process: BackgroundProcess) -> None:
        """Write down a process, so that the next rehearsal ends it should this one be killed."""
        started = started_at(process.pid)
        if started is not None:
            self._processes.append((process.pid, started))
            (self.path / _PROCESSES).write_bytes(orjson.dumps(self._processes))


@contextlib.contextmanager
def run_folder() -> Iterator[RunFolder]:
    """Make a folder for the length of a block; what killed rehearsals left is cleared away first.

    Raises:
        UserError: The cache cannot be written to.
    """
    above = cache() / "rehearsals"
    try:
        above.mkdir(parents=True, exist_ok=True)
        clear_leftovers(above)
        with interrupts_held():
            path = Path(tempfile.mkdtemp(dir=above))
            lock = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        raise unwritable(above, problem) from problem
    try:
        yield RunFolder(path)
    finally:
        with interrupts_held():
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def clear_leftovers(above: Path) -> int:
    """End the processes and remove the folders of rehearsals that no longer run; return how many there were."""
    cleared = 0
    for path in above.iterdir():
        try:
            lock = os.open(path / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue  # it is just being made, or just being removed
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # it runs
        else:
            for pid, started in _processes(path):
                if started_at(pid) == started:
                    kill_group(pid)
            shutil.rmtree(path, ignore_errors=True)
            cleared += 1
        finally:
            os.close(lock)
    return cleared


def _processes(path: Path) -> list[tuple[int, str]]:
    try:
        return [(int(pid), str(started)) for pid, started in orjson.loads((path / _PROCESSES).read_bytes())]
    except (OSError, ValueError, TypeError):
        return []
