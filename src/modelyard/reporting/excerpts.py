"""The source line of a place, with carets under the value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelyard.findings import HIDDEN, Place, Severity, source_without_secrets
from modelyard.reporting.styling import Line, style_of, wrapped
from modelyard.reporting.visible import cells, visible, visible_cells

# Columns of a source line that are shown where no terminal sets a limit.
_WIDEST = 160


def excerpt(place: Place, severity: Severity, detail: Sequence[str], width: int | None) -> Iterator[Line]:
    """Yield the detail lines, then the source line with carets, behind a gutter with the line's number.

    Args:
        place: The place; without a text only the detail is shown.
        severity: Gives the carets their style.
        detail: Lines such as a memory budget's bars.
        width: Columns of the terminal; None where there is none.
    """
    number = "" if place.line is None or place.text is None else str(place.line)
    blank: Line = [(f"  {' ' * len(number)}  │", "faint")]
    gutter = len(number) + 6
    for line in detail:
        for part in wrapped([], visible(line), "plain", width=None if width is None else width - gutter, indent=0):
            yield [*blank, (" ", "plain"), *part]
    if place.line is None or place.text is None:
        return
    room = _WIDEST if width is None else max(width - gutter, 20)
    source, first, last = marked_source(place, room)
    yield [(f"  {number}  │", "faint"), (f" {source}", "plain")]
    if first is not None and last is not None:
        carets = max(cells(source[first:last]), 1)
        yield [*blank, (f" {' ' * cells(source[:first])}{'^' * carets}", style_of(severity))]


def marked_source(place: Place, room: int = _WIDEST) -> tuple[str, int | None, int | None]:
    """Return a place's line without secrets, safe to show, and where in it the value starts and ends.

    Args:
        place: The place, with a text.
        room: Characters at most.
    """
    text, end_column = _without_secrets(place)
    return _window(visible_cells(text), place.column, end_column, room)


def _without_secrets(place: Place) -> tuple[str, int | None]:
    """Return the source line without secrets, and where the value ends in it then."""
    text = (place.text or "").rstrip("\r\n")
    shown = source_without_secrets(text)
    if shown == text or place.column is None:
        return shown, place.end_column
    start = place.column - 1
    return shown, place.column + len(HIDDEN) if shown.startswith(HIDDEN, start) else None


def _window(source: str, column: int | None, end_column: int | None, room: int) -> tuple[str, int | None, int | None]:
    """Return the part of a source line that fits, and where in it the value starts and ends (0-based, end excluded)."""
    if column is None:
        return (source if len(source) <= room else source[: room - 1] + "…"), None, None
    start = max(min(column - 1, len(source)), 0)
    end = start + 1 if end_column is None else min(max(end_column - 1, start + 1), max(len(source), start + 1))
    if len(source) <= room:
        return source, start, end
    left = 0 if start < room // 2 else start - room // 4
    shown = source[left : left + room - 2]
    before, after = "…" if left else "", "…" if left + len(shown) < len(source) else ""
    first = start - left + len(before)
    return f"{before}{shown}{after}", first, min(end - left + len(before), len(before) + len(shown))
