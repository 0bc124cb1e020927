"""Styled lines: pieces of text with the name of a style, written with or without terminal colours."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from modelyard.findings import Severity

# Select Graphic Rendition parameters. The sixteen basic colours, so that the reader's own theme applies.
_SGR = {
    "plain": "",
    "faint": "2",
    "strong": "1",
    "error": "1;31",
    "warning": "1;33",
    "note": "1;36",
    "gap": "33",
    "good": "32",
    "fix": "32",
}
# For outputs that cannot encode what the text is drawn with.
_ASCII = {
    0x2502: "|",  # box drawings light vertical
    0x2593: "#",  # dark shade
    0x2591: ".",  # light shade
    0x2026: "~",  # ellipsis; one column, as carets count on it
    0x2013: "-",  # en dash
    0x2212: "-",  # minus sign
    0x00D7: "x",  # multiplication sign
    0x00B7: "-",  # middle dot
    0x2264: "<=",
    0x2265: ">=",
}

Piece = tuple[str, str]
Line = list[Piece]


def style_of(severity: Severity) -> str:
    """Return the style that a severity is shown in."""
    return severity.label


def drawn(lines: Iterable[Line], *, colour: bool, ascii: bool) -> Iterator[str]:
    """Yield each line as text with its end of line."""
    for line in lines:
        text = "".join(_piece(piece, style if colour else "plain") for piece, style in line).rstrip()
        yield (text.translate(_ASCII) if ascii else text) + "\n"


def _piece(text: str, style: str) -> str:
    code = _SGR[style]
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


def wrapped(lead: Line, text: str, style: str, *, width: int | None, indent: int) -> Iterator[Line]:
    """Yield `text` after `lead`, further lines indented by `indent`, none wider than `width` where words allow."""
    if width is None:
        yield [*lead, (text, style)]
        return
    start = sum(len(piece) for piece, _ in lead)
    parts = textwrap.wrap(
        text,
        max(width, indent + 20),
        initial_indent=" " * start,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [" " * start]
    yield [*lead, (parts[0][start:], style)]
    for part in parts[1:]:
        yield [(" " * indent, "plain"), (part[indent:], style)]
