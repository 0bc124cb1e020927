"""What the other end of a stream can show, and progress for those who watch."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass
from typing import TextIO

from modelyard.reporting import Line, drawn

_DRAWING = "│▓…"
_NARROWEST = 40


@dataclass(frozen=True, slots=True)
class Look:
    """How text for one stream is drawn.

    Attributes:
        terminal: Whether a person watches.
        colour: Whether it takes colours.
        width: Columns to wrap to; None where nobody watches.
        ascii: Whether it cannot encode what text is drawn with.
    """

    terminal: bool
    colour: bool
    width: int | None
    ascii: bool


def look_of(stream: TextIO) -> Look:
    """Return how to draw on a stream; NO_COLOR, FORCE_COLOR and TERM are respected."""
    terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
    colour = terminal
    if os.environ.get("FORCE_COLOR", "0") != "0":
        colour = True
    if os.environ.get("NO_COLOR"):
        colour = False
    try:
        _DRAWING.encode(stream.encoding or "ascii")
        ascii = False
    except (LookupError, UnicodeEncodeError):
        ascii = True
    width = max(shutil.get_terminal_size().columns, _NARROWEST) if stream.isatty() else None
    return Look(terminal, colour, width, ascii)


def show(lines: list[Line], stream: TextIO | None = None) -> None:
    """Write styled lines to a stream, standard output when None, as it can show them."""
    stream = stream or sys.stdout
    look = look_of(stream)
    stream.writelines(drawn(lines, colour=look.colour, ascii=look.ascii))


class Progress:
    """One line on standard error that tells how far a command is, gone when it ends; silent without a terminal."""

    _EVERY = 0.08

    def __init__(self, *, quiet: bool = False) -> None:
        look = look_of(sys.stderr)
        self._shows = look.terminal and not quiet
        self._width = (look.width or 80) - 1
        self._drawn = 0.0
        self._dirty = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` of a stage are done."""
        now = time.monotonic()
        if self._shows and (now - self._drawn >= self._EVERY or done >= total):
            self._drawn = now
            self._write(f"{stage} {done:,} of {total:,}" if total else stage)

    def say(self, text: str) -> None:
        """Show a sentence that the next one takes the place of."""
        if self._shows:
            self._write(text)

    def _write(self, text: str) -> None:
        sys.stderr.write(f"\r\x1b[2K{text[: self._width]}")
        sys.stderr.flush()
        self._dirty = True

    def _clear(self) -> None:
        if self._dirty:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
