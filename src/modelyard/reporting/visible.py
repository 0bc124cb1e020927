"""Text from a repository, made safe to print: what it holds may have been written to deceive a terminal or a log."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import orjson

from modelyard.findings import without_credentials, without_secrets

# Longest text of one message; a hostile name may be megabytes long.
LONGEST = 4000
# Control, format (bidirectional overrides, zero width), unassigned, surrogate; line and paragraph separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cn", "Cs", "Zl", "Zp"})
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str, *, longest: int = LONGEST) -> str:
    r"""Return `text` on one line with every control and formatting character spelled out, as in `\x1b` and `\u202e`.

    Credentials of a known form are taken out, wherever the text comes from.

    What GitHub Actions would take for a command (`::` at the start of a line, `##[` anywhere) is broken by a
    backslash. Text longer than `longest` characters is cut, and the cut is said.
    """
    text = without_credentials(text)
    if len(text) > longest:
        text = f"{text[:longest]}… ({len(text) - longest:,} more characters)"
    if not text.isprintable():
        text = "".join(_spelled(character) if _is_unsafe(character) else character for character in text)
    if "##[" in text:
        text = text.replace("##[", "#\\#[")
    if text.lstrip().startswith("::"):
        text = text.replace("::", "\\::", 1)
    return text


def json_text(content: Any) -> str:
    """Return a command's answer as JSON, without secrets; see `inert_json`.

    Args:
        content: Mappings, lists and scalars; what is none of them is written as its text.
    """
    return inert_json(without_secrets(content))


def inert_json(content: Any, *, indented: bool = True) -> str:
    """Return JSON in ASCII, in which nothing is a command to a log or a terminal that shows it.

    Args:
        content: Mappings, lists and scalars; what is none of them is written as its text.
        indented: Whether it is for people too; one line otherwise.
    """
    options = orjson.OPT_NON_STR_KEYS | (orjson.OPT_INDENT_2 if indented else 0)
    try:
        text = orjson.dumps(content, default=str, option=options).decode()
    except TypeError:  # lone surrogates of a file's name, or numbers of more than 64 bits
        text = json.dumps(content, indent=2 if indented else None, ensure_ascii=True, default=str)
    if not text.isascii():
        text = _BEYOND_ASCII.sub(_escaped, text)
    # Of a log, GitHub Actions takes `##[` for a command anywhere in a line; `::` it takes at the start of one only.
    return text.replace("##[", "#\\u0023[").replace("\x7f", "\\u007f") + "\n"


def _escaped(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


def visible_cells(text: str) -> str:
    """Return a source line with everything unsafe replaced one for one, so that columns keep their place."""
    text = text.replace("##[", "#\N{REPLACEMENT CHARACTER}[")
    if text.isprintable():
        return text
    return "".join(
        " " if character == "\t" else "\N{REPLACEMENT CHARACTER}" if _is_unsafe(character) else character
        for character in text
    )


def cells(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _is_unsafe(character: str) -> bool:
    return not character.isprintable() and unicodedata.category(character) in _UNSAFE


def _spelled(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
