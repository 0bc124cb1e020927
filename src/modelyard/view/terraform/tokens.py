"""The words of Terraform's files: attributes of blocks, and the tokens of their expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

_TOKEN = re.compile(
    r"\s*(?:(?P<skip>[#].*|//.*|\n)|(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w-]*)"
    r"|(?P<sign>=>|==|!=|&&|\|\||\.\.\.|[-+*/%<>]=?|[?:,.\[\]{}()=!]))"
)
_ATTRIBUTE = re.compile(r"\s*\"?([\w-]+)\"?\s*=(?!=|>)\s*")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


class Unknown(Exception):
    """Raised for what cannot be evaluated before Terraform runs."""


class Failed(Unknown):
    """Raised for what Terraform itself cannot evaluate, such as a text that is no number."""


class Token(NamedTuple):
    """One word of an expression; a quoted text has its parts: texts, and expressions as lists of one text."""

    kind: str
    text: str
    parts: tuple[Any, ...] = ()


@lru_cache(maxsize=4096)
def literals(source: str) -> tuple[str, ...]:
    """Return the fixed parts of a text with interpolations; none for any other expression."""
    if not (source.startswith('"') and "${" in source):
        return ()
    try:
        words = list(tokens(source))
    except Unknown:
        return ()
    if len(words) != 1:
        return ()
    found, last = [""], False
    for part in words[0].parts:
        last = not isinstance(part, str)
        if last:
            found.append("")
        else:
            found[-1] += part
    return tuple(found)


def attributes(source: str) -> Iterator[tuple[str, str]]:
    """Yield name and expression of each attribute of a block's text; those of nested blocks are passed over."""
    for name, expression, _ in placed_attributes(source[source.find("{") + 1 : source.rfind("}")]):
        yield name, expression


def placed_attributes(body: str) -> Iterator[tuple[str, str, int]]:
    """Yield name, expression and line (from 1) of each attribute of a text without a block around it."""
    yield from _placed(body)


@lru_cache(
    maxsize=4096
)  # each block is asked for by several rules, of each environment, and of one check after another
def _placed(body: str) -> tuple[tuple[str, str, int], ...]:
    found = []
    position = 0
    while position < len(body):
        end = _end(body, position, "\n")
        match = _ATTRIBUTE.match(body, position, end)
        if match:
            found.append((match[1], body[match.end() : end].strip(), body.count("\n", 0, match.start(1)) + 1))
        position = end + 1
    return tuple(found)


def _end(text: str, position: int, sought: str) -> int:
    """Return where one of some characters stands outside of brackets and quotes."""
    depth = 0
    while position < len(text):
        char = text[position]
        if char == '"':
            position = _after_quote(text, position + 1)[0]
            continue
        if char == "#" or text.startswith("//", position):
            position = text.find("\n", position)
            if position < 0:
                return len(text)
            continue
        if depth == 0 and char in sought:
            return position
        depth += (char in "([{") - (char in ")]}")
        position += 1
    return len(text)


def _after_quote(text: str, position: int) -> tuple[int, tuple[Any, ...]]:
    """Return where a quoted text has ended, and its parts: texts, and expressions as lists of one text."""
    parts: list[Any] = []
    plain = ""
    while position < len(text):
        if text[position] == "\\":
            escaped = text[position + 1 : position + 2]
            if escaped not in _ESCAPES:
                raise Unknown
            plain += _ESCAPES[escaped]
            position += 2
        elif text.startswith(("$${", "%%{"), position):
            plain += text[position + 1 : position + 3]
            position += 3
        elif text.startswith("%{", position):
            raise Unknown  # a directive of a template
        elif text.startswith("${", position):
            end = _end(text, position + 2, "}")
            parts.extend((plain, [text[position + 2 : end]]))
            plain, position = "", end + 1
        elif text[position] == '"':
            return position + 1, (*parts, plain)
        else:
            plain += text[position]
            position += 1
    raise Unknown


def tokens(source: str) -> Iterator[Token]:
    """Yield the words of an expression.

    Raises:
        Unknown: It has signs that are not read here.
    """
    position = 0
    while position < len(source):
        if not source[position:].strip():
            return
        while source[position].isspace():
            position += 1
        if source[position] == '"':
            position, parts = _after_quote(source, position + 1)
            yield Token("text", "", parts)
            continue
        match = _TOKEN.match(source, position)
        if not match:
            raise Unknown
        if match.lastgroup != "skip":
            yield Token(str(match.lastgroup), match[str(match.lastgroup)])
        position = match.end()
