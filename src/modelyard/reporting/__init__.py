"""A report as text, JSON, SARIF, JUnit, GitHub annotations, GitLab Code Quality or Markdown.

Each format is a module beside this one with a `write(report, stream, presentation)`, imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TextIO

from modelyard.findings import Report
from modelyard.reporting.causes import Cause, causes
from modelyard.reporting.excerpts import excerpt, marked_source
from modelyard.reporting.presentation import Presentation
from modelyard.reporting.styling import Line, drawn, wrapped
from modelyard.reporting.visible import inert_json, json_text, visible
from modelyard.reporting.wording import duration, listed

__all__ = [
    "FORMATS",
    "Cause",
    "Line",
    "Presentation",
    "causes",
    "drawn",
    "duration",
    "excerpt",
    "inert_json",
    "json_text",
    "listed",
    "marked_source",
    "visible",
    "wrapped",
    "write",
]

# Module and meaning of each format, in the order of the help.
_MODULES = {
    "text": ("text", "for people"),
    "json": ("json_v1", "everything, with a published schema"),
    "sarif": ("sarif", "2.1.0, for code scanning"),
    "junit": ("junit", "XML, for CI test reports"),
    "github": ("github", "annotations in a GitHub Actions log"),
    "gitlab": ("gitlab", "a Code Quality report of GitLab"),
    "markdown": ("markdown", "for a job summary"),
}
FORMATS = {name: meaning for name, (_, meaning) in _MODULES.items()}


def write(report: Report, format: str, stream: TextIO, presentation: Presentation | None = None) -> None:
    """Write `report` to `stream`.

    Raises:
        KeyError: There is no such format.
    """
    module = import_module(f"modelyard.reporting.{_MODULES[format][0]}")
    module.write(report, stream, presentation or Presentation())
