"""Annotations in a GitHub Actions log, by workflow commands.

A step shows at most ten annotations of each kind
(https://github.com/actions/toolkit/blob/main/docs/problem-matchers.md#limitations), so the rest is counted.
"""

from __future__ import annotations

from typing import TextIO

from modelyard.findings import Finding, Report, Severity
from modelyard.reporting.presentation import Presentation
from modelyard.reporting.visible import visible
from modelyard.reporting.wording import severity_of
from modelyard.wording import counted

MOST = 10
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def write(report: Report, stream: TextIO, presentation: Presentation) -> None:
    """Write one workflow command a finding, at most ten of each kind."""
    for severity, command in _COMMANDS.items():
        findings = [finding for finding in report.findings if severity_of(finding) is severity]
        # One place is kept free to say how many are not shown.
        shown = findings if len(findings) <= MOST else findings[: MOST - 1]
        for finding in shown:
            stream.write(_annotation(finding, command, presentation.path_prefix))
        if len(findings) > len(shown):
            rest = counted(len(findings) - len(shown), f"further {severity.label}")
            stream.write(f"::{command} title=modelyard check::{rest} in the text of this step\n")
    gaps = sum(1 for gap in report.not_checked if not gap.accepted)
    if gaps:
        stream.write(f"::notice title=modelyard check::not checked: {gaps}; the text of this step names them\n")


def _annotation(finding: Finding, command: str, prefix: str) -> str:
    place = finding.at.place()
    properties = {"file": prefix + place.file}
    if place.line is not None:
        properties["line"] = str(place.line)
        if place.column is not None:
            properties["col"] = str(place.column)
            if place.end_column is not None:
                properties["endColumn"] = str(max(place.end_column - 1, place.column))
    where = f" in {finding.environment}" if finding.environment else ""
    properties["title"] = f"{finding.rule}{where}"
    message = visible(finding.message)
    if finding.fix:
        message += f"\nfix: {visible(finding.fix)}"
    listed = ",".join(f"{name}={_property(visible(value))}" for name, value in properties.items())
    return f"::{command} {listed}::{_data(message)}\n"


def _data(text: str) -> str:
    """Return text with what would end a workflow command escaped, as actions/toolkit does."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
