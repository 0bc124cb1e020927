"""What the page holds, as data: read from what the layers below have worked out, nothing worked out again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from modelyard import __version__
from modelyard.checking import Checked
from modelyard.findings import EnvironmentSummary, Finding, NotChecked, Report
from modelyard.htmlreport.clusters import applications_content, references_content
from modelyard.htmlreport.latency import latency_content
from modelyard.htmlreport.money import cost_content
from modelyard.htmlreport.running import memory_content, placement_content
from modelyard.reporting import Cause, Presentation, causes, marked_source, visible
from modelyard.view import Environment

FORMAT_VERSION = 1


def page_content(
    checked: Checked, presentation: Presentation, title: str, changes: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return everything that the page shows, in plain mappings and lists.

    Every text is on one line, with control and formatting characters spelled out and without credentials.

    Args:
        checked: The check.
        presentation: The rules by id, and from which severity the check fails.
        title: The repository's name.
        changes: What changed since a revision, of `diffing.changes_content`; None when nobody asked.
    """
    report = checked.report
    views = {view.name: view for view in checked.environments.views}
    content: dict[str, Any] = {
        "version": FORMAT_VERSION,
        "modelyard": __version__,
        "title": title,
        "verdict": _verdict(report, presentation),
        "changes": changes,
        "environments": [_environment(each, report, views.get(each.name)) for each in report.environments],
        "findings": [_finding(each, presentation) for each in _causes(report.findings)],
        "not-checked": _gaps(report.not_checked),
        "waived": [_finding(each, presentation) for each in _causes(report.waived)],
    }
    shown: dict[str, Any] = _safe(content)
    return shown


def _safe(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(str(key)): _safe(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_safe(below) for below in value]
    return value


def _verdict(report: Report, presentation: Presentation) -> dict[str, Any]:
    return {
        **_counts(report.findings, report.not_checked),
        "waived": len(report.waived),
        "accepted-gaps": sum(1 for gap in report.not_checked if gap.accepted),
        "applications": report.applications,
        "incomplete-applications": report.incomplete_applications,
        "fails": bool(report.exit_code(presentation.fail_on, presentation.strict)),
    }


def _causes(findings: Iterable[Finding]) -> list[Cause]:
    """Return the causes of findings, those of each environment by themselves, since the page shows one at a time."""
    of_environment: dict[str, list[Finding]] = {}
    for finding in findings:
        of_environment.setdefault(finding.environment, []).append(finding)
    return [cause for group in of_environment.values() for cause in causes(group)]


def _counts(findings: Iterable[Finding], gaps: Iterable[NotChecked]) -> dict[str, int]:
    counts = Counter(cause.severity.label for cause in _causes(findings))
    return {
        "errors": counts["error"],
        "warnings": counts["warning"],
        "notes": counts["note"],
        "not-checked": sum(1 for gap in gaps if not gap.accepted),
    }


def _environment(summary: EnvironmentSummary, report: Report, view: Environment | None) -> dict[str, Any]:
    name = summary.name
    content: dict[str, Any] = {
        "name": name,
        "applications": summary.applications,
        "models": summary.models,
        "resources": summary.resources,
        **_counts(
            (finding for finding in report.findings if finding.environment == name),
            (gap for gap in report.not_checked if gap.environment == name),
        ),
    }
    if view is not None:
        shown = set(summary.application_names)
        content |= {
            "memory": memory_content(view, shown),
            "placement": placement_content(view, shown),
            "latency": latency_content(view, shown),
            "cost": cost_content(view),
            "waves": applications_content(view, shown),
            "references": references_content(view),
        }
    return content


def _finding(cause: Cause, presentation: Presentation) -> dict[str, Any]:
    finding, place, rule = cause.finding, cause.place, presentation.rules.get(cause.finding.rule)
    content: dict[str, Any] = {
        "severity": cause.severity.label,
        "rule": finding.rule,
        "url": rule.url if rule else None,
        "message": cause.message,
        "fix": finding.fix,
        "detail": list(finding.detail),
        "environment": finding.environment,
        "application": finding.application,
        "applications": list(cause.applications),
        "file": place.file,
        "line": place.line,
        "place": str(place),
    }
    if place.line is not None and place.text is not None:
        text, first, last = marked_source(place)
        content["source"] = {"text": text, "first": first, "last": last}
    return content


def _gaps(gaps: Iterable[NotChecked]) -> list[dict[str, Any]]:
    """Return gaps, those first that nobody accepted; what is said twice is there once."""
    found = {
        (str(gap.subject), gap.reason, gap.environment): {
            "subject": str(gap.subject),
            "reason": gap.reason,
            "fix": gap.fix,
            "rule": gap.rule,
            "environment": gap.environment,
            "application": gap.application,
            "accepted": gap.accepted,
        }
        for gap in gaps
    }
    return sorted(found.values(), key=lambda gap: bool(gap["accepted"]))
