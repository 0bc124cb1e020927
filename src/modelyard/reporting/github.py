"""Annotations in a GitHub Actions log, by workflow commands.

A step shows at most ten annotations of each kind
(https://github.com/actions/toolkit/blob/main/docs/problem-matchers.md#limitations), so the rest is counted.
"""

from __future__ import annotations

from typing import TextIO

from modelyard.findings import Report, Severity
from modelyard.reporting.causes import Cause, causes
from modelyard.reporting.presentation import Presentation
from modelyard.reporting.visible import visible
from modelyard.wording import counted

MOST = 10
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def write(report: Report, stream: TextIO, presentation: Presentation) -> None:
    """Write one workflow command a cause, at most ten of each kind."""
    for severity, command in _COMMANDS.items():
        found = [cause for cause in causes(report.findings) if cause.severity is severity]
        # One place is kept free to say how many are not shown.
        shown = found if len(found) <= MOST else found[: MOST - 1]
        for cause in shown:
            stream.write(_annotation(cause, command, presentation.path_prefix))
        if len(found) > len(shown):
            rest = counted(len(found) - len(shown), f"further {severity.label}")
            stream.write(f"::{command} title=modelyard check::{rest} in the text of this step\n")
    gaps = sum(1 for gap in report.not_checked if not gap.accepted)
    if gaps:
        stream.write(f"::notice title=modelyard check::not checked: {gaps}; the text of this step names them\n")


def _annotation(cause: Cause, command: str, prefix: str) -> str:
    finding, place = cause.finding, cause.place
    properties = {"file": prefix + place.file}
    if place.line is not None:
        properties["line"] = str(place.line)
        if place.column is not None:
            properties["col"] = str(place.column)
            if place.end_column is not None:
                properties["endColumn"] = str(max(place.end_column - 1, place.column))
    where = f" in {finding.environment}" if len(cause.environments) == 1 else ""
    properties["title"] = f"{finding.rule}{where}"
    message = visible(cause.message)
    if finding.fix:
        message += f"\nfix: {visible(finding.fix)}"
    listed = ",".join(f"{name}={_property(visible(value))}" for name, value in properties.items())
    return f"::{command} {listed}::{_data(message)}\n"


def _data(text: str) -> str:
    """Return text with what would end a workflow command escaped, as actions/toolkit does."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
