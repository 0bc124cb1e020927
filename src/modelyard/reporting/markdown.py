"""Markdown for a job summary or a comment, within what GitHub accepts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from modelyard.findings import Report
from modelyard.reporting.causes import Cause, causes
from modelyard.reporting.presentation import Presentation
from modelyard.reporting.visible import visible
from modelyard.reporting.wording import duration, tally
from modelyard.wording import counted

# A comment holds 65,536 characters; the rest is left for what a workflow adds around the report.
BUDGET = 60_000
# Punctuation that Markdown or a host gives a meaning to; as entities they have none.
_ENTITIES = {ord(character): f"&#{ord(character)};" for character in "\\`*_{}[]()<>|:+\"'"}
# Mentions and references are looked for in the finished HTML, so these need to be parted from their name: of people and
# issues, and on GitLab also of merge requests, labels, snippets, epics and milestones.
_ENTITIES |= {ord(character): f"&#{ord(character)};&#8203;" for character in "@#!~$&%"}


def write(report: Report, stream: TextIO, presentation: Presentation) -> None:
    """Write the report as Markdown, worst findings first, cut at what fits."""
    stream.write(_table(report))
    written = 0
    found = sorted(causes(report.findings), key=lambda cause: -cause.severity)
    for shown, cause in enumerate(found):
        item = _item(cause, presentation)
        if written + len(item) > BUDGET:
            stream.write(f"- … and {counted(len(found) - shown, 'further finding')}\n")
            break
        stream.write(item)
        written += len(item)
    gaps = list(_gaps(report))
    if gaps:
        stream.write("\n<details><summary>Not checked</summary>\n\n")
        for shown, gap in enumerate(gaps):
            if written + len(gap) > BUDGET:
                stream.write(f"- … and {len(gaps) - shown:,} more\n")
                break
            stream.write(gap)
            written += len(gap)
        stream.write("\n</details>\n")
    stream.write(f"\n{_closing(report)}\n")


def _table(report: Report) -> str:
    rows = ["| environment | applications | models | resources | verdict |", "|---|--:|--:|--:|---|"]
    for summary in report.environments:
        found = causes(finding for finding in report.findings if finding.environment == summary.name)
        verdict = ", ".join(text for _, text in tally(cause.severity for cause in found)) or "ok"
        gaps = sum(1 for gap in report.not_checked if gap.environment == summary.name and not gap.accepted)
        if gaps:
            verdict += f", {gaps} not checked"
        counts = f"{summary.applications:,} | {summary.models:,} | {summary.resources:,}"
        rows.append(f"| {inert(summary.name)} | {counts} | {verdict} |")
    return "\n".join(rows) + "\n\n"


def _item(cause: Cause, presentation: Presentation) -> str:
    finding = cause.finding
    name, known = inert(finding.rule), presentation.rules.get(finding.rule)
    rule = f"[{name}]({known.url})" if known else name
    where = f" in {inert(finding.environment)}" if len(cause.environments) == 1 else ""
    fix = f"<br>fix: {inert(finding.fix)}" if finding.fix else ""
    return f"- **{cause.severity.label}** {rule}{where}: {inert(cause.message)}<br>{inert(str(cause.place))}{fix}\n"


def _gaps(report: Report) -> Iterator[str]:
    for gap in dict.fromkeys(
        (visible(str(gap.subject)), gap.reason, gap.accepted or gap.fix) for gap in report.not_checked
    ):
        subject, *why = gap
        yield f"- {inert(subject)} ({inert('; '.join(part for part in why if part))})\n"


def _closing(report: Report) -> str:
    found = ", ".join(text for _, text in tally(cause.severity for cause in causes(report.findings))) or (
        "nothing was looked at" if report.saw_nothing else "no findings"
    )
    return f"{found} in {counted(len(report.environments), 'environment')} ({duration(report.seconds)})"


def inert(text: str) -> str:
    """Return text that Markdown and GitHub show as it stands: no markup, mention, reference or control character."""
    return visible(text).translate(_ENTITIES)
