"""Waivers and accepted gaps of `modelyard.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache

from modelyard.findings import Finding, NotChecked, Place, Report
from modelyard.repository import FileAddress, Repository
from modelyard.repository.settings import FILE
from modelyard.rules import rules

EXPIRED, UNUSED = "modelyard/expired-waiver", "modelyard/unused-waiver"


def apply_waivers(repository: Repository, report: Report, today: date) -> None:
    """Move waived findings aside, mark accepted gaps, and report waivers that are expired or cover nothing.

    A waiver that has expired no longer covers anything. What a partial check did not look at can make a waiver seem
    unused, so unused ones are reported only when everything was checked.
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
    gaps: list[NotChecked] = []
    for gap in report.not_checked:
        for index, accepted in enumerate(settings.accepted_gaps):
            if accepted.expires >= today and _wildcard(accepted.subject, r".*").fullmatch(str(gap.subject)):
                used.add(("accepted-gaps", index))
                gap = gap.stamped(accepted=accepted.reason)
        gaps.append(gap)
    report.findings = kept + list(_stale(repository, used, today))
    report.not_checked = gaps


def _stale(repository: Repository, used: set[tuple[str, int]], today: date) -> Iterator[Finding]:
    settings = repository.settings
    entries = [
        *(("waivers", n, f"the waiver of {each.rule}", each.expires) for n, each in enumerate(settings.waivers)),
        *(
            ("accepted-gaps", n, f"the accepted gap {each.subject!r}", each.expires)
            for n, each in enumerate(settings.accepted_gaps)
        ),
    ]
    for field, index, what, expires in entries:
        if expires < today:
            yield Finding(
                at=FileAddress(repository.files, FILE, (field, index, "expires")),
                message=f"{what} expired on {expires}",
                fix="mend what it covers, or decide again with a later day",
                rule=EXPIRED,
                severity=rules()[EXPIRED].severity,
            )
        elif (field, index) not in used:
            yield Finding(
                at=FileAddress(repository.files, FILE, (field, index)),
                message=f"{what} covers nothing",
                fix="remove it",
                rule=UNUSED,
                severity=rules()[UNUSED].severity,
            )


def _matches(pattern: str, place: Place) -> bool:
    """Return whether a waiver's path is the place's file or a folder above it."""
    expression = _wildcard(pattern.rstrip("/"), r"[^/]*")
    file = place.file
    return expression.fullmatch(file) is not None or any(
        expression.fullmatch(file[: slash.start()]) for slash in re.finditer("/", file)
    )


@cache
def _wildcard(pattern: str, star: str) -> re.Pattern[str]:
    """Compile a pattern in which `*` stands for `star` and `**` for any text."""
    parts = re.split(r"(\*\*|\*)", pattern)
    return re.compile("".join({"**": ".*", "*": star}.get(part) or re.escape(part) for part in parts), re.DOTALL)
