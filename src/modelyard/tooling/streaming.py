"""Reading a program's output line by line while it runs, for output that is too long to hold."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from modelyard.tooling.processes import (
    _CHUNK,
    _KEPT_STDERR,
    MEBIBYTE,
    Completed,
    ToolFailed,
    ToolOutputTooLarge,
    ToolTimedOut,
    failure,
    running,
)


def stream(
    argv: Sequence[str | Path], *, stdin: bytes, silence: float, max_line: int = 256 * MEBIBYTE, cwd: Path | None = None
) -> Iterator[bytes]:
    """Yield the lines that a program writes, as they come and without their line ends.

    The program and what it started are ended when the consumer stops early.

    Args:
        argv: Program and arguments; never given to a shell.
        stdin: Bytes for its standard input.
        silence: Seconds without any output after which the program is ended.
        max_line: Bytes of one line after which it is ended.
        cwd: Folder to run in; the present one when None.

    Raises:
        ToolMissing: The program is not there or not executable.
        ToolTimedOut: It was silent for too long.
        ToolOutputTooLarge: It wrote a line longer than `max_line`.
        ToolFailed: Its exit status is not 0; raised after its last whole line.
    """
    words = tuple(str(word) for word in argv)
    started = time.monotonic()
    pending, messages, parts = memoryview(stdin), bytearray(), list[bytes]()
    held = 0
    with running(words, cwd, True, None) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None  # noqa: S101
        with selectors.DefaultSelector() as selector:
            for pipe in (process.stdout, process.stderr):
                os.set_blocking(pipe.fileno(), False)
                selector.register(pipe, selectors.EVENT_READ)
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE)
            while selector.get_map():
                ready = selector.select(silence)
                if not ready:
                    name = Path(words[0]).name
                    raise ToolTimedOut(f"{name} was silent for {silence:g} s", argv=words, cwd=cwd)
                for key, _ in ready:
                    if key.fileobj is process.stdin:
                        try:
                            pending = pending[os.write(key.fd, pending[:_CHUNK]) :]
                        except BrokenPipeError:
                            pending = pending[:0]
                        if not pending:
                            selector.unregister(process.stdin)
                            process.stdin.close()
                        continue
                    chunk = os.read(key.fd, _CHUNK)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is process.stderr:
                        messages += chunk
                        del messages[:-_KEPT_STDERR]
                    else:
                        first, *rest = chunk.split(b"\n")
                        parts.append(first)
                        held += len(first)
                        if held > max_line:
                            raise ToolOutputTooLarge(
                                f"{Path(words[0]).name} wrote a line of more than {max_line // MEBIBYTE} MiB",
                                argv=words,
                                cwd=cwd,
                            )
                        if rest:
                            yield b"".join(parts)
                            yield from rest[:-1]
                            parts, held = [rest[-1]], len(rest[-1])
        try:
            process.wait(silence)
        except subprocess.TimeoutExpired:
            name = Path(words[0]).name
            raise ToolTimedOut(f"{name} was silent for {silence:g} s", argv=words, cwd=cwd) from None
    if process.returncode:
        stderr = messages.decode("utf-8", "replace")
        completed = Completed(words, process.returncode, b"", stderr, time.monotonic() - started)
        raise ToolFailed(failure(completed), completed=completed, cwd=cwd)
