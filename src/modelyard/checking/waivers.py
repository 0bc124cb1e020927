"""Waivers and accepted gaps of `modelyard.yaml`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from modelyard.checking.wildcards import wildcard
from modelyard.findings import Finding, NotChecked, Place
from modelyard.repository import Decision, Repository
from modelyard.rules import rules


@dataclass(frozen=True, slots=True)
class Decided:
    """What the decisions of `modelyard.yaml` make of findings and gaps.

    Attributes:
        findings: Those that no waiver covers.
        waived: Those that one covers.
        gaps: The gaps; accepted ones carry their reason.
        of_decisions: What rules say of the decisions themselves.
    """

    findings: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    gaps: tuple[NotChecked, ...]
    of_decisions: tuple[Finding, ...]


def decided(
    repository: Repository, findings: Iterable[Finding], gaps: Iterable[NotChecked], today: date, *, whole: bool
) -> Decided:
    """Set waived findings aside, mark accepted gaps, and let rules judge the decisions themselves.

    Args:
        repository: The repository with its settings.
        findings: Findings whose addresses are looked up already.
        gaps: What was not checked.
        today: The day; a decision that has expired covers nothing.
        whole: Whether everything was checked; in a part, a decision may only seem to cover nothing.
    """
    settings = repository.settings
    used: set[tuple[str, int]] = set()
    kept: list[Finding] = []
    waived: list[Finding] = []
    for finding in findings:
        place = finding.at.place()
        covering = [
            index
            for index, waiver in enumerate(settings.waivers)
            if wildcard(waiver.rule).matches(finding.rule) and waiver.expires >= today and _matches(waiver.path, place)
        ]
        used.update(("waivers", index) for index in covering)
        (waived if covering else kept).append(finding)
    used.update(("accepted-gaps", index) for index, each in enumerate(settings.accepted_gaps) if each.optional)
    marked: list[NotChecked] = []
    for gap in gaps:
        for index, accepted in enumerate(settings.accepted_gaps):
            if accepted.expires >= today and wildcard(accepted.subject, slashes=True).matches(str(gap.subject)):
                used.add(("accepted-gaps", index))
                gap = gap.with_defaults(accepted=accepted.reason)
        marked.append(gap)
    decisions = _decisions(repository, used if whole else None, today)
    # Rules about decisions stand in one area; those about environments need not be loaded for it.
    judging = [rules()[name] for name in rules() if name.startswith("modelyard/")] if decisions else []
    of_decisions = tuple(finding for rule in judging for finding in rule.judge(decisions))
    return Decided(tuple(kept), tuple(waived), tuple(marked), of_decisions)


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
