"""Programs that run beside a command, such as a server that it asks, and end with it."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from modelyard.tooling.interrupts import interrupts_held
from modelyard.tooling.processes import _CHUNK, MEBIBYTE, _environment, _signal_group, running

_LONGEST_LOG = 64 * MEBIBYTE
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


class BackgroundProcess:
    """A program that runs until its block ends.

    Attributes:
        name: Name for messages.
        pid: Its process id, which is that of its process group too.
        log: File with what it wrote, to either stream.
        peak_memory: Most resident memory so far, in bytes; None where the system does not tell.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.pid = process.pid
        self.log = log
        self.peak_memory: int | None = None
        self._process = process
        self._writer: threading.Thread | None = None

    @property
    def returncode(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    def measure(self) -> int | None:
        """Look up and return its peak memory."""
        self.peak_memory = _peak(self.pid) or self.peak_memory
        return self.peak_memory

    def measure_with_children(self) -> int | None:
        """Look up and return its peak memory together with that of the programs that it started and that still run."""
        own = self.measure()
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            own = (own or 0) + sum(_peak(int(each)) or 0 for each in children)
        return own

    def written(self) -> None:
        """Wait until all that an ended program wrote is in the log, at most 5 s."""
        if self._writer is not None:
            self._writer.join(timeout=5.0)

    def last_lines(self, count: int = 3) -> list[str]:
        """Return the last lines that it wrote."""
        try:
            with self.log.open("rb") as stream:
                stream.seek(max(0, self.log.stat().st_size - 64 * 1024))
                lines = stream.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return []
        return [line.strip() for line in lines if line.strip()][-count:]

    def how_it_ended(self) -> str:
        """Return one sentence on how it ended; empty while it runs."""
        code = self.returncode
        if code is None:
            return ""
        return f"{self.name} was ended by signal {-code}" if code < 0 else f"{self.name} ended with exit status {code}"


@contextlib.contextmanager
def companion(
    argv: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
    name: str = "",
) -> Iterator[BackgroundProcess]:
    """Run a program for the length of a block; it and what it started are killed at the block's end.

    It is not asked to end: what runs here keeps nothing that must be written.

    Args:
        argv: Program and arguments; never given to a shell.
        log: File for what it writes, up to 64 MiB; what comes after that is dropped.
        cwd: Folder to run in; the present one when None.
        env: Variables on top of this process's own; None as a value takes one away.
        name: Name for messages; the program's when empty.

    Raises:
        ToolMissing: The program is not there or not executable.
    """
    words = tuple(str(word) for word in argv)
    with running(words, cwd, False, _environment(env)) as process:
        found = BackgroundProcess(name or Path(words[0]).name, process, log)
        writer = threading.Thread(target=_write_log, args=(process, log), name=f"log of {found.name}", daemon=True)
        found._writer = writer
        writer.start()
        try:
            yield found
        finally:
            with interrupts_held():
                found.measure()
                _signal_group(process, signal.SIGKILL)
                process.wait()
                writer.join(timeout=5.0)


def _peak(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
        if found is not None:
            return int(found[1]) * 1024
    return None


def started_at(pid: int) -> str | None:
    """Return a mark of when a process started, which tells it from a later one with its id; None when it is gone.

    Only Linux tells; elsewhere every process counts as gone.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The second field is the program's name in parentheses, which may hold spaces; the 22nd is the start.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def kill_group(pid: int) -> None:
    """Kill a process group and wait until its leader is gone, at most 5 s."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5.0
    while started_at(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.02)


def _write_log(process: subprocess.Popen[bytes], log: Path) -> None:
    assert process.stdout is not None and process.stderr is not None  # noqa: S101 - pipes were asked for
    written = 0
    with contextlib.suppress(OSError, ValueError), log.open("wb") as stream, selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif written < _LONGEST_LOG:
                    with contextlib.suppress(OSError):  # a full disk must not block the program
                        stream.write(chunk)
                        stream.flush()
                    written += len(chunk)
