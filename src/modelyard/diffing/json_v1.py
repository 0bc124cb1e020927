"""A comparison for programs; fields are added, never renamed or taken away, within version 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum, IntEnum
from typing import Any, TextIO

from modelyard.diffing.model import ABSENT, Comparison
from modelyard.findings import Finding, NotChecked, Severity, without_credentials
from modelyard.reporting import inert_json

VERSION = 1


def write(comparison: Comparison, stream: TextIO) -> None:
    """Write the comparison as one JSON document; what a side does not have is left out, null is null."""
    stream.write(inert_json(document(comparison)))


def document(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison in plain mappings and lists, as `write` writes it."""
    return {"version": VERSION, **_plain(comparison)}


def _plain(value: Any) -> Any:
    if isinstance(value, Finding):
        return _finding(value)
    if isinstance(value, NotChecked):
        return _plain({"subject": str(value.subject), "reason": value.reason, "fix": value.fix})
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name.replace("_", "-"): _plain(getattr(value, field.name))
            for field in fields(value)
            if getattr(value, field.name) is not ABSENT
        }
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(item) for key, item in value.items() if item is not ABSENT}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        # A path that is not UTF-8 has no other spelling in JSON.
        return without_credentials(value.encode("utf-8", "replace").decode())
    return value if isinstance(value, bool | int | float) or value is None else str(value)


def _finding(finding: Finding) -> Any:
    place = finding.at.place()
    return _plain(
        {
            "rule": finding.rule,
            "severity": finding.severity or Severity.ERROR,
            "application": finding.application,
            "file": place.file,
            "line": place.line,
            "message": finding.message,
            "fix": finding.fix,
        }
    )
