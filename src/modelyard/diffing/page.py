"""Markdown that grows as long as there is room."""

from __future__ import annotations

from collections.abc import Iterable


class Page:
    """A page with a limit; what does not fit is counted.

    Args:
        room: Characters that may still be written.

    Attributes:
        left_out: Lines for which there was no room.
    """

    def __init__(self, room: int) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.room = room
        self.left_out = 0

    @property
    def text(self) -> str:
        """Return what was written."""
        return "".join(self.parts)

    def always(self, text: str) -> None:
        """Write text for which room was kept."""
        self.parts.append(text)
        self.length += len(text)

    def fits(self, text: str) -> bool:
        """Write text if there is room, and return whether there was."""
        if len(text) > self.room:
            return False
        self.room -= len(text)
        self.always(text)
        return True

    def lines(self, lines: Iterable[str]) -> None:
        """Write as many lines as there is room for."""
        for line in lines:
            if not self.fits(line):
                self.left_out += 1

    def section(self, title: str, items: Iterable[str]) -> None:
        """Write a title with its items, if there are any."""
        held = list(items)
        if held and self.fits(f"\n{title}\n\n" if title else "\n"):
            self.lines(held)
        else:
            self.left_out += len(held)

    def table(self, header: str, rows: list[str]) -> None:
        """Write a table, if there are rows."""
        if rows and self.fits(header):
            self.lines(rows)
        else:
            self.left_out += len(rows)
