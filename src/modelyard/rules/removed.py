"""What to do about a flag or variable that an engine does not have any more."""

from __future__ import annotations

from typing import Any, Literal

from modelyard.catalog import Removal
from modelyard.rules.wording import either

Place = Literal["file", "fields", "args", "env"]
"""A settings file; one whose keys have underscores; the command line; the variables of a container."""


def went(removal: Removal | None) -> str:
    """Return the end of a message that says since when something is gone; empty when that is not known."""
    return f"; removed in {removal.since}" if removal is not None else ""


def in_its_place(removal: Removal | None, place: Place, *, off: bool) -> str:
    """Return what is written in place of what went; empty when nobody showed it.

    Args:
        removal: How it went.
        place: Where it stands.
        off: Whether it was switched off, so that the opposite of a switch is meant.
    """
    if removal is None or not (removal.instead or removal.why):
        return ""
    if not removal.instead:
        return f"remove it: {removal.why}"
    value = removal.value
    if off and isinstance(value, bool):
        value = not value
    elif off and value is not None:
        return "remove it"
    written = removal.instead if removal.variable else _flag(removal.instead, value, place)
    if removal.variable and value is not None:
        written += f" with the value {value}"
    # A note tells of the value that the entry gives, not of its opposite.
    note = f", {removal.note}" if removal.note and value == removal.value else ""
    if removal.inferred:
        return f"check whether {written} replaces it{note}, or remove it"
    return f"write {written}{note}" if value is not None else f"write {written} instead{note}"


def _flag(name: str, value: Any, place: Place) -> str:
    if place == "env":
        return f"the flag {_flag(name, value, 'args')}"
    if place == "args":
        if isinstance(value, bool):
            return f"--{name}" if value else f"--no-{name}"
        return f"--{name}" if value is None else f"--{name}={_text(value)}"
    flag, _, key = name.partition(".")
    flag = flag.replace("-", "_") if place == "fields" else flag
    if not key:
        return flag if value is None else f"{flag}: {_text(value)}"
    return f"{key} under {flag}" if value is None else f"{key}: {_text(value)} under {flag}"


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return either(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
