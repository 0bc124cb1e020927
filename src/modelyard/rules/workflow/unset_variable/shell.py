"""What a script of a shell reads and sets, as far as its text tells."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NAME = re.compile(r"\$(?:\{([A-Z][A-Z0-9_]*+)(:?[-=?+]|[^}]?)|([A-Z][A-Z0-9_]*+))")
_SET = re.compile(
    r"(?:^|[\s;&|({\"'`])(?:(?:export|local|readonly|declare|typeset)\s{1,9}(?:-\w{1,9}\s{1,9}){0,9}+)?"
    r"([A-Z][A-Z0-9_]{0,199}+)(?:\+?=|\[)"
)
_TAKEN = re.compile(
    r"\b(?:read|for|mapfile|readarray|getopts|printf\s+-v|export|declare|local|unset|select)\b([^\n;]{0,200})"
)
_WORD = re.compile(r"\b([A-Z][A-Z0-9_]*+)\b")
# A document whose end is quoted is taken as it is written; one whose end is not is read like the script.
_HEREDOC = re.compile(r"<<-?\s{0,9}(['\"])(\w{1,99})\1")


def read(script: str) -> Iterator[str]:
    """Yield the variables that a script reads outside of single quotes, and for which it has nothing else to put."""
    for found in _NAME.finditer(_told_apart(_without_documents(script))):
        name, further = found[1] or found[3], found[2] or ""
        if further[:1] in ("-", "=", "+", "?") or further[:2] in (":-", ":=", ":+", ":?"):
            continue
        yield name


def assigned(script: str) -> set[str]:
    """Return the variables to which a script gives a value itself, or may."""
    names = set(_SET.findall(script))
    for rest in _TAKEN.findall(script):
        names.update(_WORD.findall(rest.partition("$")[0]))
    return names


def _without_documents(script: str) -> str:
    """Return a script without the documents that it quotes."""
    kept: list[str] = []
    end = ""
    for line in script.splitlines(keepends=True):
        if end:
            end = "" if line.strip() == end else end
            continue
        kept.append(line)
        if opened := _HEREDOC.search(line):
            end = opened[2]
    return "".join(kept)


def _told_apart(script: str) -> str:
    """Return a script without what stands in single quotes and in comments."""
    kept: list[str] = []
    quote = before = ""
    position = 0
    while position < len(script):
        sign = script[position]
        if sign == "\\" and quote != "'":
            position += 2
            before = ""
            continue
        if quote == "'":
            quote = "" if sign == "'" else quote
        elif sign == "'" and not quote:
            quote = "'"
        elif sign == "#" and not quote and (not before or before.isspace()):
            position = (script.find("\n", position) + 1 or len(script) + 1) - 1
            before = ""
            continue
        else:
            if sign == '"':
                quote = "" if quote else '"'
            kept.append(sign)
        before = sign
        position += 1
    return "".join(kept)
