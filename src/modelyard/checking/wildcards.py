"""Patterns of waivers and accepted gaps, matched in a time that grows with the text, however many stars there are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

_STARS = re.compile(r"\*+")


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A pattern in which `*` stands for text without a slash, and `**` for any text.

    The pattern is a row of positions; which of them a text may have reached is one number, a bit for each, that every
    letter moves on. So each letter is looked at once.

    Attributes:
        letters: The bits of the positions behind which a letter stands, by letter.
        short: The bits of positions where a `*` may go on.
        long: The bits of positions where a `**` may go on.
        end: The bit of the last position.
    """

    letters: dict[str, int]
    short: int
    long: int
    end: int

    def matches(self, text: str) -> bool:
        """Return whether the whole text is what the pattern says."""
        reached = self._skipped(1)
        for letter in text:
            stay = reached & (self.long if letter == "/" else self.long | self.short)
            reached = self._skipped(((reached & self.letters.get(letter, 0)) << 1) | stay)
            if not reached:
                return False
        return bool(reached & self.end)

    def _skipped(self, reached: int) -> int:
        """Return positions with those behind their stars, which may stand for nothing; no two stars are neighbours."""
        return reached | ((reached & (self.short | self.long)) << 1)


@cache
def wildcard(pattern: str, *, slashes: bool = False) -> Wildcard:
    """Return a pattern ready to match.

    Args:
        pattern: The pattern; a row of stars is one star, and more than one stand for any text.
        slashes: Whether a single star stands for any text too.
    """
    letters: dict[str, int] = {}
    short = long = 0
    position = 1
    last = 0
    for stars in _STARS.finditer(pattern):
        for letter in pattern[last : stars.start()]:
            letters[letter] = letters.get(letter, 0) | position
            position <<= 1
        if len(stars[0]) > 1 or slashes:
            long |= position
        else:
            short |= position
        position <<= 1
        last = stars.end()
    for letter in pattern[last:]:
        letters[letter] = letters.get(letter, 0) | position
        position <<= 1
    return Wildcard(letters, short, long, position)
