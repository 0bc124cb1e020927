"""Talking to a program line by line while it runs, for answers that are too long to hold."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from modelyard.tooling.processes import (
    _CHUNK,
    _GLANCE_SECONDS,
    _KEPT_STDERR,
    MEBIBYTE,
    Completed,
    ToolError,
    ToolFailed,
    ToolOutputTooLarge,
    ToolTimedOut,
    _environment,
    end,
    failure,
    running,
)

_GRACE_SECONDS = 2.0


class LineProcess:
    """A program that answers lines with lines for as long as it is wanted.

    It starts at once, so that it can get ready before the first question. It is ended when it fails, when it is closed,
    and at the latest when nobody holds the conversation any more.

    Args:
        argv: Program and arguments; never given to a shell.
        silence: Seconds without any output, while an answer is waited for, after which the program is ended.
        max_line: Bytes of one line after which it is ended.
        cwd: Folder to run in; the present one when None.
        env: Variables on top of this process's own; None as a value takes one away.

    Attributes:
        silence: As given; may be set anew between questions.

    Raises:
        ToolMissing: The program is not there or not executable.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        silence: float,
        max_line: int = 256 * MEBIBYTE,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
    ) -> None:
        self.argv = tuple(str(word) for word in argv)
        self._cwd = cwd
        self.silence = silence
        self._max_line = max_line
        self._messages = bytearray()
        self._untold = b""
        self._lines: deque[bytes] = deque()
        self._parts: list[bytes] = []
        self._started = time.monotonic()
        block = contextlib.ExitStack()
        self._process = block.enter_context(running(self.argv, cwd, True, _environment(env)))
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None  # noqa: S101 - all pipes were asked for
            os.set_blocking(pipe.fileno(), False)
        self._finish = weakref.finalize(self, _finish, self._process, block)

    @property
    def open(self) -> bool:
        """Return whether it can still be asked something."""
        return self._finish.alive

    def close(self, *, wait: bool = False) -> None:
        """End the program.

        Args:
            wait: Whether it gets time to end by itself, now that nothing more is asked.
        """
        if wait and self._finish.alive and self._process.stdin is not None:
            self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE_SECONDS)
        self._finish()

    def tell(self, lines: bytes) -> None:
        """Write what needs no answer; what the program does not take yet goes before the next question."""
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        self._untold = bytes(_write(self._process.stdin.fileno(), memoryview(self._untold + lines)))

    def ask(self, question: bytes, *, last: bool = False) -> Iterator[bytes]:
        """Write to the program and yield the lines that it writes, without their line ends, until it closes its output.

        Who knows where an answer ends stops there, and may ask again.

        Args:
            question: Whole lines.
            last: Whether nothing will be asked after this, which the program is told by the end of its input.

        Raises:
            ToolTimedOut: It was silent for too long.
            ToolOutputTooLarge: It wrote a line longer than `max_line`.
            ToolFailed: Its exit status is not 0; raised after its last whole line.
        """
        yield from self._guarded(question, last, self._lines_of)

    def ask_bytes(self, question: bytes) -> Iterator[bytes]:
        """Write to the program and yield what it writes as it comes, for answers that say how long they are.

        Lines are not waited for by who reads bytes: a conversation is had in one of both ways.

        Raises:
            ToolTimedOut: It was silent for too long.
            ToolFailed: It ended with an exit status other than 0.
        """
        yield from self._guarded(question, False, iter)

    def _guarded(
        self, question: bytes, last: bool, read: Callable[[Iterator[bytes]], Iterator[bytes]]
    ) -> Iterator[bytes]:
        try:
            untold, self._untold = self._untold, b""
            yield from read(self._exchange(memoryview(untold + question), last))
            self._process.wait(self.silence)
        except subprocess.TimeoutExpired:
            self.close()
            raise self._silent() from None
        except ToolError:
            self.close()
            raise
        self.close()
        if self._process.returncode:
            stderr = self._messages.decode("utf-8", "replace")
            seconds = time.monotonic() - self._started
            completed = Completed(self.argv, self._process.returncode, b"", stderr, seconds)
            raise ToolFailed(failure(completed), completed=completed, cwd=self._cwd)

    def _exchange(self, pending: memoryview, last: bool) -> Iterator[bytes]:
        """Write what is pending and yield what is written to standard output meanwhile and after."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None  # noqa: S101
        with selectors.DefaultSelector() as selector:
            for pipe in (process.stdout, process.stderr):
                selector.register(pipe, selectors.EVENT_READ)
            if pending or last:
                selector.register(process.stdin, selectors.EVENT_WRITE)
            while selector.get_map():
                for key, _ in self._ready(selector):
                    if key.fileobj is process.stdin:
                        pending = _write(key.fd, pending)
                        if not pending:
                            selector.unregister(process.stdin)
                            if last:
                                process.stdin.close()
                        continue
                    chunk = os.read(key.fd, _CHUNK)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is process.stderr:
                        self._messages += chunk
                        del self._messages[:-_KEPT_STDERR]
                    else:
                        yield chunk

    def _ready(self, selector: selectors.BaseSelector) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait until something can be read or written."""
        deadline = time.monotonic() + self.silence
        while (remaining := deadline - time.monotonic()) > 0:
            if ready := selector.select(min(remaining, _GLANCE_SECONDS)):
                return ready
        raise self._silent()

    def _lines_of(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        yield from self._waiting()
        held = sum(map(len, self._parts))
        for chunk in chunks:
            first, *rest = chunk.split(b"\n")
            self._parts.append(first)
            held += len(first)
            if held > self._max_line:
                raise ToolOutputTooLarge(
                    f"{self._name} wrote a line of more than {self._max_line // MEBIBYTE} MiB",
                    argv=self.argv,
                    cwd=self._cwd,
                )
            if rest:
                self._lines += (b"".join(self._parts), *rest[:-1])
                self._parts, held = [rest[-1]], len(rest[-1])
                yield from self._waiting()

    def _waiting(self) -> Iterator[bytes]:
        """Yield the lines that were read; who stops in between finds the rest with the next question."""
        while self._lines:
            yield self._lines.popleft()

    @property
    def _name(self) -> str:
        return Path(self.argv[0]).name

    def _silent(self) -> ToolTimedOut:
        return ToolTimedOut(f"{self._name} was silent for {self.silence:g} s", argv=self.argv, cwd=self._cwd)


def _write(descriptor: int, pending: memoryview) -> memoryview:
    """Write what fits and return what is left; a program that no longer reads gets nothing more."""
    try:
        return pending[os.write(descriptor, pending[:_CHUNK]) :]
    except BlockingIOError:
        return pending
    except BrokenPipeError:
        return pending[:0]


def _finish(process: subprocess.Popen[bytes], block: contextlib.ExitStack) -> None:
    if process.poll() is None:
        end(process)
    block.close()
