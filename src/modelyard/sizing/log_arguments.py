"""The arguments that an engine prints at start: a Python mapping that may hold objects without a literal form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.repository.literals import MAX_CHARACTERS, literal

GIVEN = re.compile(r"non-default args: (?=\{)|\bargs: (?=Namespace\()")
"""What stands before the arguments; the older form names all of them."""

DEEPEST = 6
"""Brackets in brackets that are followed."""

_OPEN, _CLOSE = "([{", ")]}"


def printed_arguments(text: str) -> Mapping[str, Any] | None:
    """Return the arguments by name, None where the log does not print them.

    An object, such as `KVTransferConfig(kv_connector='NixlConnector', ...)`, is taken as a mapping of the fields that
    can be read.
    """
    found = GIVEN.search(text)
    if found is None:
        return None
    line = _line(text, found.end())
    line = line.removeprefix("Namespace")
    return _mapping(line[: _end(line)], DEEPEST)


def _line(text: str, start: int) -> str:
    end = text.find("\n", start, start + MAX_CHARACTERS)
    return text[start : end if end >= 0 else start + MAX_CHARACTERS]


def _end(text: str) -> int:
    """Return where the bracket that a text begins with is closed, its length where it is not."""
    for at, character, depth in _depths(text):
        if depth == 0 and character in _CLOSE:
            return at + 1
    return len(text)


def _depths(text: str) -> Iterator[tuple[int, str, int]]:
    """Yield each character outside strings with the brackets that are open after it."""
    depth, quote, escaped = 0, "", False
    for at, character in enumerate(text):
        if quote:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == quote:
                quote = ""
            continue
        if character in "'\"":
            quote = character
        elif character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth -= 1
        yield at, character, depth


def _parts(text: str) -> Iterator[str]:
    """Yield what commas part at the outermost level inside a pair of brackets."""
    start = 1
    for at, character, depth in _depths(text):
        if (character == "," and depth == 1) or (character in _CLOSE and depth == 0):
            if part := text[start:at].strip():
                yield part
            start = at + 1
    # A line that was cut has no closing bracket; its last part is left out.


def _mapping(text: str, depth: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for part in _parts(text) if depth else ():
        name, value = _pair(part)
        if name:
            values[name] = _value(value, depth - 1)
    return values


def _pair(part: str) -> tuple[str, str]:
    for at, character, depth in _depths(part):
        if character == ":" and depth == 0:
            return part[:at].strip().strip("'\""), part[at + 1 :].strip()
        if character == "=" and depth == 0:
            return part[:at].strip(), part[at + 1 :].strip()
    return "", ""


def _value(text: str, depth: int) -> Any:
    try:
        return literal(text)
    except ValueError:
        pass
    name, bracket, _ = text.partition("(")
    if bracket and re.fullmatch(r"[\w.]{1,100}", name, re.ASCII):
        return _mapping(text[len(name) : len(name) + _end(text[len(name) :])], depth)
    if text.startswith("{"):
        return _mapping(text, depth)
    return text[:300]
