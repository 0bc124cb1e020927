"""The only module that starts processes: argument lists, a time limit, bounded output, no orphans."""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from modelyard.findings import UserError
from modelyard.tooling.interrupts import interrupts_held

Item = TypeVar("Item")
Result = TypeVar("Result")

MEBIBYTE = 1024 * 1024
GIT_SECONDS = 120.0
"""How long Git may take over objects that it has already; what it fetches may take longer."""
_KEPT_STDERR = 256 * 1024
_GRACE_SECONDS = 2.0
# A signal that comes in the moment before a wait begins is seen when the wait ends, so no wait is long.
_GLANCE_SECONDS = 0.5
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Completed:
    """A process that ended by itself.

    Attributes:
        argv: What was run.
        returncode: Exit status; negative for a signal.
        stdout: Everything it wrote.
        stderr: The last 256 KiB of its messages, decoded.
        seconds: Wall time.
    """

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: str
    seconds: float


class ToolError(UserError):
    """A program could not do its work; `command` is the line to paste into a shell."""

    def __init__(self, message: str, *, argv: Sequence[str], cwd: Path | None = None, fix: str = "") -> None:
        self.argv = tuple(argv)
        self.command = shell_line(argv, cwd)
        super().__init__(message, fix=fix or f"run it by hand to see more: {self.command}")


class ToolMissing(ToolError):
    """The program is not there or cannot be executed."""


class ToolTimedOut(ToolError):
    """The program ran past its time limit and was ended."""


class ToolOutputTooLarge(ToolError):
    """The program wrote more than the limit and was ended."""


class ToolFailed(ToolError):
    """The program ended with an exit status that was not expected."""

    def __init__(self, message: str, *, completed: Completed, cwd: Path | None = None, fix: str = "") -> None:
        self.completed = completed
        super().__init__(message, argv=completed.argv, cwd=cwd, fix=fix)


class _Cancelled(BaseException):
    """The batch that this process belonged to was given up."""


class _Batch:
    """The processes of one `parallel` call, so that giving up ends all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self.cancelled = False

    @contextlib.contextmanager
    def holding(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        with self._lock:
            self._running.add(process)
            late = self.cancelled
        if late:
            _signal_group(process, signal.SIGKILL)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(process)

    def cancel(self) -> None:
        with self._lock:
            self.cancelled = True
            running = list(self._running)
        for process in running:
            _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        for process in running:
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            _signal_group(process, signal.SIGKILL)


_current = threading.local()


def shell_line(argv: Sequence[str], cwd: Path | None = None) -> str:
    """Return the line that does the same when pasted into a shell."""
    line = shlex.join(argv)
    return f"cd {shlex.quote(str(cwd))} && {line}" if cwd is not None else line


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    timeout: float,
    stdin: bytes | None = None,
    env: Mapping[str, str | None] | None = None,
    max_output: int = 256 * MEBIBYTE,
    check: bool = False,
    on_stderr: Callable[[str], None] | None = None,
) -> Completed:
    """Run a program to its end in a session of its own, without a terminal.

    Args:
        argv: Program and arguments; never given to a shell.
        cwd: Folder to run in; the present one when None.
        timeout: Seconds after which the program and what it started are ended.
        stdin: Bytes for its standard input, which is empty when None.
        env: Variables on top of this process's own; None as a value takes one away.
        max_output: Bytes of standard output after which the program is ended.
        check: Whether an exit status other than 0 raises `ToolFailed`.
        on_stderr: Called with each line of standard error as it comes, for progress.

    Returns:
        What the program wrote, and how it ended.

    Raises:
        ToolMissing: The program is not there or not executable.
        ToolTimedOut: It ran past `timeout`.
        ToolOutputTooLarge: It wrote more than `max_output`.
        ToolFailed: `check` was given and the exit status is not 0.
    """
    words = tuple(str(word) for word in argv)
    started = time.monotonic()
    batch: _Batch | None = getattr(_current, "batch", None)
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(running(words, cwd, stdin is not None, _environment(env)))
        if batch is not None:
            stack.enter_context(batch.holding(process))
        try:
            stdout, stderr = _exchange(process, stdin, started + timeout, max_output, on_stderr)
            process.wait(max(0.0, started + timeout - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            name = Path(words[0]).name
            raise ToolTimedOut(f"{name} did not end within {timeout:g} s", argv=words, cwd=cwd) from None
        except OverflowError:
            raise ToolOutputTooLarge(
                f"{Path(words[0]).name} wrote more than {max_output // MEBIBYTE} MiB", argv=words, cwd=cwd
            ) from None
    if batch is not None and batch.cancelled:
        raise _Cancelled
    completed = Completed(
        words, process.returncode, stdout, stderr.decode("utf-8", "replace"), time.monotonic() - started
    )
    if check and completed.returncode != 0:
        raise ToolFailed(failure(completed), completed=completed, cwd=cwd)
    return completed


def failure(completed: Completed) -> str:
    """Return one sentence on how a program failed, with the last line that it wrote about it."""
    name = Path(completed.argv[0]).name
    how = (
        f"was ended by signal {-completed.returncode}"
        if completed.returncode < 0
        else f"ended with exit status {completed.returncode}"
    )
    lines = [line.strip() for line in completed.stderr.splitlines() if line.strip()]
    return f"{name} {how}" + (f": {lines[-1][:500]}" if lines else "")


def parallel(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int | None = None
) -> Iterator[Result]:
    """Yield `function(item)` in the order of `items`, a bounded number at a time, for work that waits on processes.

    When one call raises, the consumer stops early, or the user interrupts, the processes that the other calls
    started by `run` are ended before this returns.

    Args:
        function: Called in threads; it starts its processes by `run`.
        items: Read lazily, at most four times `workers` ahead of the consumer.
        workers: Calls at a time; the number of processors that this process may use when None.

    Yields:
        Results in the order of `items`.
    """
    count = workers or available_processors()
    batch = _Batch()

    def call(item: Item) -> Result:
        _current.batch = batch
        return function(item)

    executor = ThreadPoolExecutor(count, thread_name_prefix="modelyard")
    waiting: deque[Future[Result]] = deque()
    finished = False
    try:
        for item in items:
            waiting.append(executor.submit(call, item))
            if len(waiting) >= 4 * count:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())
        finished = True
    finally:
        if not finished:
            for future in waiting:
                future.cancel()
            batch.cancel()
        executor.shutdown(wait=True, cancel_futures=True)


def _result(future: Future[Result]) -> Result:
    while not future.done():
        wait([future], _GLANCE_SECONDS)
    return future.result()


def available_processors() -> int:
    """Return how many processors this process may use, at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)
    return max(1, len(affinity(0)) if affinity is not None else os.cpu_count() or 1)


@contextlib.contextmanager
def running(
    argv: tuple[str, ...], cwd: Path | None, takes_input: bool, environment: dict[str, str] | None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program for the length of a block; it and what it started are ended when the block fails.

    Raises:
        ToolMissing: The program is not there or not executable.
        UserError: `cwd` is not a folder.
    """
    process: subprocess.Popen[bytes] | None = None
    try:
        with interrupts_held():  # a program that runs while nobody knows its process id could not be ended
            process = _start(argv, cwd, takes_input, environment)
        yield process
    except BaseException:
        if process is not None:
            end(process)
        raise
    finally:
        for pipe in (process.stdin, process.stdout, process.stderr) if process is not None else ():
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _environment(changes: Mapping[str, str | None] | None) -> dict[str, str] | None:
    if changes is None:
        return None
    environment = dict(os.environ)
    for name, value in changes.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment


def _start(
    argv: tuple[str, ...], cwd: Path | None, takes_input: bool, environment: dict[str, str] | None
) -> subprocess.Popen[bytes]:
    if cwd is not None and not cwd.is_dir():
        raise UserError(f"{cwd} is not a folder, so {Path(argv[0]).name} cannot run in it")
    try:
        return subprocess.Popen(
            argv,
            cwd=cwd,
            env=environment,
            stdin=subprocess.PIPE if takes_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a group of its own can be ended whole; no terminal, so nothing can ask questions
            bufsize=0,
        )
    except FileNotFoundError:
        raise ToolMissing(
            f"{argv[0]} is not installed", argv=argv, fix="install it, or run `modelyard doctor` to see what is missing"
        ) from None
    except OSError as problem:
        raise ToolMissing(f"{argv[0]} cannot be run: {problem.strerror}", argv=argv, cwd=cwd) from problem


def _exchange(
    process: subprocess.Popen[bytes],
    stdin: bytes | None,
    deadline: float,
    max_output: int,
    on_stderr: Callable[[str], None] | None,
) -> tuple[bytes, bytes]:
    """Feed and drain the pipes at once until both outputs are closed."""
    assert process.stdout is not None and process.stderr is not None  # noqa: S101 - pipes were asked for
    output: list[bytes] = []
    written = 0
    messages = bytearray()
    line = bytearray()
    pending = memoryview(stdin or b"")
    with selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ)
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE)
        while selector.get_map():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            for key, _ in selector.select(min(remaining, _GLANCE_SECONDS)):
                if key.fileobj is process.stdin:
                    try:
                        pending = pending[os.write(key.fd, pending[:_CHUNK]) :]
                    except BrokenPipeError:
                        pending = pending[:0]
                    except BlockingIOError:
                        continue
                    if not pending:
                        selector.unregister(process.stdin)
                        process.stdin.close()
                    continue
                try:
                    chunk = os.read(key.fd, _CHUNK)
                except BlockingIOError:
                    continue
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stdout:
                    written += len(chunk)
                    if written > max_output:
                        raise OverflowError
                    output.append(chunk)
                else:
                    messages += chunk
                    del messages[:-_KEPT_STDERR]
                    if on_stderr is not None:
                        line += chunk
                        *whole, rest = line.split(b"\n")
                        line = bytearray(rest)
                        for each in whole:
                            on_stderr(each.decode("utf-8", "replace").rstrip("\r"))
    return b"".join(output), bytes(messages)


def end(process: subprocess.Popen[bytes]) -> None:
    """End the program and what it started: first kindly, then for certain, also when Ctrl-C is pressed again."""
    with interrupts_held():
        _signal_group(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # The group keeps the leader's id as long as a member lives, also after the leader ended.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
