"""Where in a YAML text a cursor stands, also while the text is no YAML: by indentation alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

ITEM = -1
"""The step of a path that is an item of a list, whichever."""

Step = str | int

_WORD = re.compile(r"[A-Za-z0-9_./:@+-]+")
_KEY = re.compile(
    r"(?P<key>\"[^\"]{1,300}\"|'[^']{1,300}'|[^\s#'\"{}\[\],&*!|>%@`-][^:#]{0,300}?|--?[\w-]{1,300})\s{0,9}:(?=\s|$)"
)
_DASH = re.compile(r"-(\s{1,40}|$)")
_LOOKED_AT = 40
"""Lines around a cursor in which a neighbour of its value is looked for."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a cursor stands.

    Attributes:
        path: Keys from the top of the document, `ITEM` for items of lists; the key of the value included.
        after_key: Whether it stands behind a key; else a key or an item may begin there.
        typed: What stands there up to the cursor, without quotation marks.
        start: Column at which it begins.
        line: The line, counted from 0.
    """

    path: tuple[Step, ...]
    after_key: bool
    typed: str
    start: int
    line: int


def word_at(line: str, column: int) -> tuple[str, int, int]:
    """Return the word around a column with its first column and that after its end; empty where there is none."""
    for found in _WORD.finditer(line):
        if found.start() <= column <= found.end():
            word = found[0].rstrip(":.,")
            return (word, found.start(), found.start() + len(word)) if word else ("", column, column)
    return "", column, column


def cursor_at(lines: Sequence[str], number: int, column: int) -> Cursor:
    """Return where a cursor stands.

    Args:
        lines: The text.
        number: The line, counted from 0.
        column: The column, counted from 0 in characters.
    """
    line = lines[number] if number < len(lines) else ""
    before = line[:column]
    _, dashes, content = _shape(before)
    path = _above(lines, number, content, dashes)
    key = _KEY.match(before, content)
    start = content
    if key is not None:
        path.append(_plain(key["key"]))
        start = key.end()
    while start < len(before):
        opened = max(before.rfind(each, start) for each in "[{, ")  # flow lists, and the space after a key
        if opened < 0:
            break
        start = opened + 1
    typed = before[start:]
    bare = typed.lstrip("\"'")
    return Cursor(tuple(path), key is not None, bare, start + len(typed) - len(bare), number)


def neighbour(lines: Sequence[str], cursor: Cursor, key: str) -> str:
    """Return the value of a key that stands beside one of the cursor's parents; empty where none does.

    Of a requirement `{key: A, operator: In, values: [B]}` the cursor at B has `A` for its neighbour `key`.
    """
    wanted = re.compile(rf"\b{re.escape(key)}\s{{0,9}}:\s{{0,9}}[\"']?([\w./:-]{{1,300}})")
    own = _indent(lines[cursor.line]) if cursor.line < len(lines) else 0
    found = wanted.search(lines[cursor.line]) if cursor.line < len(lines) else None
    if found is not None:
        return found[1]
    for number in range(cursor.line - 1, max(-1, cursor.line - _LOOKED_AT), -1):
        line = lines[number]
        if not line.strip():
            continue
        found = wanted.search(line)
        if found is not None and _indent(line) <= own:
            return found[1]
        if line.lstrip().startswith("- ") and _indent(line) < own - 2:
            return ""
    return ""


def _shape(line: str) -> tuple[int, list[int], int]:
    """Return the indentation of a line, the columns of the dashes at its beginning, and where its content begins."""
    at = indent = _indent(line)
    dashes: list[int] = []
    while (dash := _DASH.match(line, at)) is not None:
        dashes.append(at)
        at = dash.end()
    return indent, dashes, at


def _above(lines: Sequence[str], number: int, indent: int, dashes: Sequence[int]) -> list[Step]:
    """Return the path of what begins at an indentation, from the lines above it."""
    path: list[Step] = []
    current, is_item = indent, False
    for dash in reversed(dashes):
        path.insert(0, ITEM)
        current, is_item = dash, True
    for line in reversed(lines[:number]):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.startswith("---") or (current == 0 and not is_item):
            break
        _, its_dashes, content = _shape(line)
        key = _KEY.match(line, content)
        if key is not None and not _has_value(line[key.end() :]) and _is_above(content, current, is_item=is_item):
            path.insert(0, _plain(key["key"]))
            current, is_item = content, False
        for dash in reversed(its_dashes):
            if dash < current:
                path.insert(0, ITEM)
                current, is_item = dash, True
    return path


def _is_above(column: int, current: int, *, is_item: bool) -> bool:
    return column < current or (column == current and is_item)


def _has_value(rest: str) -> bool:
    text = rest.strip()
    return bool(text) and text[0] not in "#|>&"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _plain(key: str) -> str:
    return key.strip("\"'")
