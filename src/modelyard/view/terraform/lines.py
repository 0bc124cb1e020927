"""Line numbers of positions in a text, looked up without counting from its beginning each time."""

from __future__ import annotations

import re
from bisect import bisect_left


class Lines:
    """The lines of a text.

    Args:
        text: The text.
    """

    def __init__(self, text: str) -> None:
        self._ends = [found.start() for found in re.finditer("\n", text)]

    def at(self, position: int) -> int:
        """Return the line of a position, from 1."""
        return bisect_left(self._ends, position) + 1
