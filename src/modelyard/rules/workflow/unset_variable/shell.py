"""What a script of a shell reads and sets, as far as its text tells."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NAME = re.compile(r"\$(?:\{([A-Z][A-Z0-9_]*+)(:?[-=?+]|[^}]?)|([A-Z][A-Z0-9_]*+))")
_SET = re.compile(
    r"(?:^|[\s;&|({\"'`])(?:(?:export|local|readonly|declare|typeset)\s+(?:-\w+\s+)*+)?([A-Z][A-Z0-9_]*+)(?:\+?=|\[)"
)
_TAKEN = re.compile(
    r"\b(?:read|for|mapfile|readarray|getopts|printf\s+-v|export|declare|local|unset|select)\b([^\n;]{0,200})"
)
_WORD = re.compile(r"\b([A-Z][A-Z0-9_]*+)\b")
_HEREDOC = re.compile(r"<<-?\s*(['\"])(\w+)\1[^\n]*\n.*?\n\s*\2\b", re.DOTALL)


def read(script: str) -> Iterator[str]:
    """Yield the variables that a script reads outside of single quotes, and for which it has nothing else to put."""
    for found in _NAME.finditer(_told_apart(_HEREDOC.sub("", script))):
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
