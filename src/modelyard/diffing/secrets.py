"""Values that a comparison never shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from modelyard.diffing.model import ABSENT, FieldChange

HIDDEN = "(hidden)"
_FIELDS = ("data", "stringData")


def hidden(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest in which the values of a Secret are hidden."""
    if manifest.get("kind") != "Secret":
        return manifest
    return {
        key: dict.fromkeys(value, HIDDEN) if key in _FIELDS and isinstance(value, dict) else value
        for key, value in manifest.items()
    }


def without_values(changes: Iterable[FieldChange]) -> Iterator[FieldChange]:
    """Yield the changes of a Secret without its values."""
    for change in changes:
        if change.path.partition(".")[0].partition("[")[0] not in _FIELDS:
            yield change
        elif change.lines:
            yield FieldChange(change.path, HIDDEN, "(hidden, another value)")
        else:
            before = change.before if change.before is ABSENT else HIDDEN
            after = change.after if change.after is ABSENT else HIDDEN
            yield FieldChange(
                change.path, before, "(hidden, another value)" if before is not ABSENT and after else after
            )
