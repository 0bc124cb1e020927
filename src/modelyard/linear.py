"""Patterns that the authors of repositories and of models write, matched in a time that grows with the text.

Kustomize and Argo CD match them by Go's regular expressions, which never go back over the text; Python's do, so that
a few letters of a pattern can keep a check busy for ever. Here every way through a pattern is followed at once.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import import_module
from typing import Any

MAX_STATES = 5_000
"""Steps of a pattern, repetitions written out; Go refuses patterns beyond such a limit too."""

MAX_MOVES = 2_000
"""Moves of a pattern that are kept; further ones are worked out each time."""

MAX_PATTERN = 2_000
# Python's own reading of patterns, which no stub describes.
_PARSER: Any = import_module("re._parser")
_WITHOUT_END: Any = import_module("re._constants").MAXREPEAT
_PLAIN = re.compile(r"[\w/-]*+(?:\|[\w/-]*+)*+")

Takes = Callable[[str], bool]


class UnreadablePattern(ValueError):
    """A text is no pattern, or one that Go does not know: with a look ahead, a look behind or a reference."""


class LinearPattern:
    """A pattern as steps, each of which takes a letter; made by `linear`.

    Args:
        text: The pattern.
        goes_on: Whether any text may follow what the pattern says, as `re.match` has it.

    Raises:
        UnreadablePattern: It is none, or one that is not matched here.
    """

    def __init__(self, text: str, *, goes_on: bool = False) -> None:
        if len(text) > MAX_PATTERN:
            raise UnreadablePattern(f"more than {MAX_PATTERN:,} characters")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # of sets that a later Python may read otherwise
                compiled = re.compile(text)
                parsed = list(_PARSER.parse(text))
        except (re.error, RecursionError, OverflowError, ValueError) as fault:
            raise UnreadablePattern(str(fault)) from None
        self._flags = compiled.flags
        self._goes_on = goes_on
        if goes_on:
            parsed += list(_PARSER.parse(r"[\s\S]*"))
        # Of each step: what it takes, and which steps may follow it. The last step is the end.
        self._takes: list[Takes] = []
        self._next: list[frozenset[int]] = []
        self._first = self._sequence(parsed, frozenset({-1}))
        self._moves: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def fullmatch(self, text: str) -> bool:
        """Return whether the whole text is what the pattern says, and what may follow it."""
        reached = self._first
        for letter in text:
            after = self._moves.get((reached, letter))
            if after is None:
                after = self._moved(reached, letter)
            if not after:
                return False
            reached = after
        return -1 in reached

    def _moved(self, reached: frozenset[int], letter: str) -> frozenset[int]:
        """Return which steps may follow a letter, and keep it: names of one model take the same ways."""
        after = frozenset().union(*(self._next[step] for step in reached if step >= 0 and self._takes[step](letter)))
        if len(self._moves) < MAX_MOVES:
            self._moves[reached, letter] = after
        return after

    def _sequence(self, nodes: Iterable[Any], follow: frozenset[int]) -> frozenset[int]:
        """Add the steps of nodes before those that follow, and return with which the nodes begin."""
        for kind, value in reversed(list(nodes)):
            follow = self._node(str(kind), value, follow)
        return follow

    def _node(self, kind: str, value: Any, follow: frozenset[int]) -> frozenset[int]:
        if kind == "SUBPATTERN":
            if value[1] or value[2]:
                raise UnreadablePattern("flags inside a pattern")
            return self._sequence(value[3], follow)
        if kind == "BRANCH":
            return frozenset().union(*(self._sequence(each, follow) for each in value[1]))
        if kind in ("MAX_REPEAT", "MIN_REPEAT"):
            return self._repeat(value, follow)
        if kind == "AT":
            if str(value) not in ("AT_BEGINNING", "AT_END", "AT_BEGINNING_STRING", "AT_END_STRING"):
                raise UnreadablePattern("a border of words")
            if self._goes_on and "END" in str(value):
                return follow & {-1}  # only the end of the text may follow
            return follow  # the whole text is matched, so that its ends are where they should be
        return frozenset({self._step(_takes(kind, value, self._flags), follow)})

    def _repeat(self, value: Any, follow: frozenset[int]) -> frozenset[int]:
        least, most, body = value
        first = follow
        if most == _WITHOUT_END:
            first = self._loop(body, follow)
        else:
            for _ in range(most - least):
                first = self._sequence(body, first) | follow
        for _ in range(least):
            first = self._sequence(body, first)
        return first

    def _loop(self, body: Any, follow: frozenset[int]) -> frozenset[int]:
        """Return with which a loop begins; what ends a round begins the next as well."""
        again = len(self._takes)
        self._step(_nothing, frozenset())
        begin = self._sequence(body, follow | {again})
        wanted = begin | follow
        for step in range(again, len(self._next)):
            if again in self._next[step]:
                self._next[step] = (self._next[step] - {again}) | wanted
        return wanted - {again}

    def _step(self, takes: Takes, follow: frozenset[int]) -> int:
        if len(self._takes) >= MAX_STATES:
            raise UnreadablePattern(f"more than {MAX_STATES:,} steps")
        self._takes.append(takes)
        self._next.append(follow)
        return len(self._takes) - 1


def _nothing(letter: str) -> bool:
    return False


def _takes(kind: str, value: Any, flags: int) -> Takes:
    """Return what a step takes; what a class holds is asked of Python, so that both agree."""
    if kind == "LITERAL":
        wanted = chr(value)
        return lambda letter: letter == wanted
    if kind == "NOT_LITERAL":
        unwanted = chr(value)
        return lambda letter: letter != unwanted
    if kind == "ANY":
        return lambda letter: letter != "\n" or bool(flags & re.DOTALL)
    if kind == "IN":
        tests = [(str(name), item) for name, item in value]
        negated = tests[0][0] == "NEGATE"
        parts = [_part(name, item) for name, item in tests[negated:]]
        return lambda letter: any(part(letter) for part in parts) != negated
    raise UnreadablePattern(kind.lower().replace("_", " "))


_CLASSES = {"DIGIT": re.compile(r"\d"), "SPACE": re.compile(r"\s"), "WORD": re.compile(r"\w")}


def _part(name: str, item: Any) -> Takes:
    if name == "LITERAL":
        return lambda letter: ord(letter) == item
    if name == "RANGE":
        first, last = item
        return lambda letter: first <= ord(letter) <= last
    if name == "CATEGORY":
        category = str(item).removeprefix("CATEGORY_")
        pattern = _CLASSES.get(category.removeprefix("NOT_"))
        if pattern is not None:
            return lambda letter: (pattern.match(letter) is not None) != category.startswith("NOT_")
    raise UnreadablePattern(name.lower())


@lru_cache(maxsize=1024)
def linear(pattern: str, *, goes_on: bool = False) -> LinearPattern:
    """Return a pattern ready to match.

    Args:
        pattern: The pattern.
        goes_on: Whether any text may follow what the pattern says.

    Raises:
        UnreadablePattern: The text is no pattern, or one that Go does not know.
    """
    return LinearPattern(pattern, goes_on=goes_on)


def matches_whole(pattern: str, text: str) -> bool:
    """Return whether a whole text is what a pattern says; one that cannot be read stands for itself."""
    if pattern == text:
        return True
    if _PLAIN.fullmatch(pattern):
        return text in pattern.split("|")
    try:
        return linear(pattern).fullmatch(text)
    except UnreadablePattern:
        return False
