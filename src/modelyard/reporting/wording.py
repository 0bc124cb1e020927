"""Counts and lists as words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelyard.findings import Finding, Severity
from modelyard.wording import counted, join_and

_WORST_FIRST = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


def severity_of(finding: Finding) -> Severity:
    """Return the finding's severity; one that nobody stamped counts as an error."""
    return Severity.ERROR if finding.severity is None else finding.severity


def tally(severities: Iterable[Severity]) -> list[tuple[Severity, str]]:
    """Return the counts that are not zero, worst first, such as `1 error` and `2 warnings`."""
    counts = dict.fromkeys(_WORST_FIRST, 0)
    for severity in severities:
        counts[severity] += 1
    return [(severity, counted(number, severity.label)) for severity, number in counts.items() if number]


def listed(items: Sequence[str], *, most: int = 3) -> str:
    """Return `a`, `a and b`, or `a, b, c and 4 more`."""
    return join_and(items, most=most)


def duration(seconds: float) -> str:
    """Return a wall time: `0.05 s`, `1.4 s`, `2 min 5 s`."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
