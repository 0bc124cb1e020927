"""A command at a terminal: what it asks is answered when it has been asked, however long that takes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")
_PATIENCE_SECONDS = 180.0


class Terminal:
    """`python -m modelyard` on a pseudo-terminal of 200 columns.

    Args:
        folder: Where it runs.
        arguments: Its words.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.said = ""
        self._from = 0
        self._process, self._file = pty.fork()
        if self._process == 0:
            os.chdir(folder)
            # Nobody answers here when a prompt asks the terminal where its cursor is.
            environment = {
                **os.environ,
                "NO_COLOR": "1",
                "TERM": "xterm",
                "LANG": "C.UTF-8",
                "PROMPT_TOOLKIT_NO_CPR": "1",
            }
            os.execve(sys.executable, [sys.executable, "-m", "modelyard", *arguments], environment)  # noqa: S606
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))

    def answer(self, question: str, text: str) -> None:
        """Wait for a question, and write an answer and Enter."""
        self.answer_one({question: text})

    def answer_one(self, answers: Mapping[str, str]) -> str | None:
        """Wait for any of several questions, answer it, and return it; None when the command has ended."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            news = _CONTROL.sub("", self.said[self._from :])
            asked = next((each for each in answers if each in news), None)
            if asked is not None:
                self._from = len(self.said)
                os.write(self._file, f"{answers[asked]}\r".encode())
                return asked
            if time.monotonic() > until:
                raise AssertionError(f"none of {list(answers)} is asked:\n{self.shown}")
            if not self._read():
                return None

    def finish(self) -> int:
        """Wait for its end, and return its exit status."""
        while self._read():
            pass
        _, status = os.waitpid(self._process, 0)
        os.close(self._file)
        return os.waitstatus_to_exitcode(status)

    @property
    def shown(self) -> str:
        """What it wrote, without control sequences."""
        return _CONTROL.sub("", self.said)

    def _read(self) -> bool:
        """Read what is there within a second, and return whether there may be more."""
        ready, _, _ = select.select([self._file], [], [], 1.0)
        if not ready:
            return True
        try:
            piece = os.read(self._file, 65536)
        except OSError:  # Linux says so of a terminal that nobody has open any more
            return False
        self.said += piece.decode("utf-8", "replace")
        return bool(piece)
