"""From what rules say to what is reported: addresses looked up, secrets hidden, repetitions dropped, waivers applied.

Every finding of a check takes this way once, those about waivers themselves included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from modelyard.checking.showing import Showing
from modelyard.checking.waivers import decided
from modelyard.findings import Finding, NotChecked, Severity
from modelyard.repository import Files, Repository


@dataclass(frozen=True, slots=True)
class Processed:
    """What is reported.

    Attributes:
        findings: In order of place, the worse first at one place; every address is looked up.
        waived: Findings that a waiver covers.
        gaps: What was not checked; accepted gaps carry their reason.
    """

    findings: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    gaps: tuple[NotChecked, ...]


def processed(
    repository: Repository, findings: Iterable[Finding], gaps: Iterable[NotChecked], today: date, *, whole: bool
) -> Processed:
    """Return what is reported of what was said.

    Args:
        repository: The repository with its settings.
        findings: As `shown` returns them.
        gaps: What was not checked.
        today: The day; a waiver that has expired covers nothing.
        whole: Whether everything was checked; in a part, a waiver may only seem to cover nothing.
    """
    showing = Showing(repository.files)
    decision = decided(repository, list(findings), list(_merged(gaps)), today, whole=whole)
    reported = [*decision.findings, *_once(decision.of_decisions, showing)]
    return Processed(tuple(sorted(reported, key=_order)), decision.waived, decision.gaps)


def shown(files: Files, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return what rules and policies give, each at its place, once, and without secrets.

    Args:
        files: The repository's files.
        findings: What they give.
    """
    return tuple(_once(findings, Showing(files)))


def _once(findings: Iterable[Finding], showing: Showing) -> Iterator[Finding]:
    """Yield findings at their places, without those that repeat one of another Application of the environment."""
    seen: set[tuple[str, str, str, str]] = set()
    for finding in findings:
        place = finding.at.place()
        key = (finding.environment, finding.rule, str(place), finding.message)
        if key not in seen:
            seen.add(key)
            yield showing.shown(finding, place)


def _merged(gaps: Iterable[NotChecked]) -> Iterator[NotChecked]:
    seen: set[tuple[str, str, str, str]] = set()
    for gap in gaps:
        key = (str(gap.subject), gap.reason, gap.environment, gap.application)
        if key not in seen:
            seen.add(key)
            yield gap


def _order(finding: Finding) -> tuple[str, int, int, int, str]:
    place = finding.at.place()
    return (place.file, place.line or 0, place.column or 0, -(finding.severity or Severity.ERROR), finding.rule)
