"""Findings by their cause: what one place does to several models, in several environments, is said once.

A base, a shared overlay or a feature reaches many Applications; a mistake in it is one thing to mend. Findings have one
cause where rule, severity and place are the same and their words differ by nothing but the Application's own name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from modelyard.findings import Finding, Place, Severity
from modelyard.reporting.wording import listed, severity_of

_OWN_NAME = "\0"
_MOST_NAMES = 5


@dataclass(slots=True)
class Cause:
    """Findings that one change of the files mends.

    Attributes:
        finding: The first of them.
        place: Where the change is to be made.
        severity: How bad it is.
        environments: The environments in which it was found, in order.
        applications: The Applications that it reaches, in order.
    """

    finding: Finding
    place: Place
    severity: Severity
    environments: list[str] = field(default_factory=list)
    applications: list[str] = field(default_factory=list)

    @property
    def message(self) -> str:
        """Return the first finding's message, with where else the same is true."""
        others = [name for name in self.applications if name != self.finding.application]
        told = []
        if others:
            told.append(f"also for {listed(others, most=_MOST_NAMES)}")
        if len(self.environments) > 1:
            told.append(f"in {listed(self.environments)}")
        return f"{self.finding.message} ({'; '.join(told)})" if told else self.finding.message


def causes(findings: Iterable[Finding]) -> list[Cause]:
    """Return the causes of findings, in the order of their first ones."""
    found: dict[tuple[object, ...], Cause] = {}
    for finding in findings:
        place, severity = finding.at.place(), severity_of(finding)
        cause = found.setdefault(_key(finding, place), Cause(finding, place, severity))
        if finding.environment and finding.environment not in cause.environments:
            cause.environments.append(finding.environment)
        if finding.application and finding.application not in cause.applications:
            cause.applications.append(finding.application)
    return list(found.values())


def cause_id(finding: Finding) -> str:
    """Return what findings of one cause share, and no others: twelve digits."""
    return hashlib.sha256(repr(_key(finding, finding.at.place())).encode()).hexdigest()[:12]


def _key(finding: Finding, place: Place) -> tuple[object, ...]:
    words = (finding.message, finding.fix)
    if finding.application:
        own = re.compile(rf"(?<![\w.-]){re.escape(finding.application)}(?![\w-])")
        words = (own.sub(_OWN_NAME, finding.message), own.sub(_OWN_NAME, finding.fix))
    return (str(place), place.end_column, finding.rule, severity_of(finding), *words)
