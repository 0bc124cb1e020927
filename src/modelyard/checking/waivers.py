"""Waivers and accepted gaps of `modelyard.yaml`."""

from __future__ import annotations

from datetime import date

from modelyard.checking.wildcards import wildcard
from modelyard.findings import Finding, NotChecked, Place, Report
from modelyard.repository import Decision, Repository
from modelyard.rules import rules


def apply_waivers(repository: Repository, report: Report, today: date, *, whole: bool) -> None:
    """Move waived findings aside, mark accepted gaps, and let rules judge the decisions themselves.

    Args:
        repository: The repository with its settings.
        report: Changed in place; its addresses are resolved already.
        today: The day; a decision that has expired covers nothing.
        whole: Whether everything was checked; in a part, a decision may only seem to cover nothing.
    """
    settings = repository.settings
    used: set[tuple[str, int]] = set()
    kept: list[Finding] = []
    for finding in report.findings:
        place = finding.at.place()
        covering = [
            index
            for index, waiver in enumerate(settings.waivers)
            if waiver.rule == finding.rule and waiver.expires >= today and _matches(waiver.path, place)
        ]
        used.update(("waivers", index) for index in covering)
        (report.waived if covering else kept).append(finding)
    used.update(("accepted-gaps", index) for index, each in enumerate(settings.accepted_gaps) if each.optional)
    gaps: list[NotChecked] = []
    for gap in report.not_checked:
        for index, accepted in enumerate(settings.accepted_gaps):
            if accepted.expires >= today and wildcard(accepted.subject, slashes=True).matches(str(gap.subject)):
                used.add(("accepted-gaps", index))
                gap = gap.with_defaults(accepted=accepted.reason)
        gaps.append(gap)
    decisions = _decisions(repository, used if whole else None, today)
    report.findings = kept + [found for rule in rules().values() for found in rule.judge(decisions)]
    report.not_checked = gaps


def _decisions(repository: Repository, used: set[tuple[str, int]] | None, today: date) -> list[Decision]:
    settings = repository.settings
    words = [
        *(("waivers", n, f"the waiver of {each.rule}", each.expires) for n, each in enumerate(settings.waivers)),
        *(
            ("accepted-gaps", n, f"the accepted gap {each.subject}", each.expires)
            for n, each in enumerate(settings.accepted_gaps)
        ),
    ]
    return [
        Decision(what, expires, today, None if used is None else (field, n) in used, repository.files, (field, n))
        for field, n, what, expires in words
    ]


def _matches(pattern: str, place: Place) -> bool:
    """Return whether a waiver's path is the place's file or a folder above it."""
    wanted = wildcard(pattern.rstrip("/"))
    parts = place.file.split("/")
    return any(wanted.matches("/".join(parts[:length])) for length in range(len(parts), 0, -1))
