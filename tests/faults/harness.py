"""Makes mistakes in copies of base repositories and judges what the check says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from modelyard.checking import CheckOptions, check
from modelyard.findings import Finding, Severity
from modelyard.rules import rules
from tests.faults.catalogue import Expectation, Fault
from tests.repositories.copies import Copies

MOST_FINDINGS = 2
"""One mistake should not be told more often; a reader takes more for noise."""


class Outcome(StrEnum):
    """How the check did on a mistake; the better first."""

    CAUGHT = "caught"
    NOISY = "noisy"
    WRONG_PLACE = "wrong place"
    MISSED = "missed"


ORDER = list(Outcome)


@dataclass(frozen=True)
class Judgement:
    """What became of one mistake.

    Attributes:
        fault: The mistake.
        outcome: How the check did.
        reason: What is wanting; empty when it was caught.
        said: The findings, one line each.
    """

    fault: Fault
    outcome: Outcome
    reason: str = ""
    said: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.fault.id}: {self.outcome} {self.reason}", *(f"  {line}" for line in self.said)])


def judge(fault: Fault, copies: Copies) -> Judgement:
    """Make a mistake, and its correct twin, and judge what is said of both; `fault` is one that can be tried."""
    assert fault.expect is not None
    with copies.changed(fault.repository, fault.fault) as root:
        said = _findings(root)
        matched = [finding for finding in said if finding.rule == fault.expect.rule]
        placed = [finding for finding in matched if _is_at(root, finding, fault.expect)]
    with copies.changed(fault.repository, fault.twin) as root:
        of_twin = _findings(root)
    lines = tuple(_lines(said)) + tuple(f"twin: {line}" for line in _lines(of_twin))
    if not matched:
        reason = f"{fault.expect.rule} says nothing" if fault.expect.rule in rules() else "no rule looks for it yet"
        return Judgement(fault, Outcome.MISSED, reason, lines)
    if not placed:
        return Judgement(fault, Outcome.WRONG_PLACE, f"expected {_place(fault.expect)}", lines)
    if len(said) > MOST_FINDINGS:
        return Judgement(fault, Outcome.NOISY, f"{len(said)} findings", lines)
    if of_twin:
        return Judgement(fault, Outcome.NOISY, f"{len(of_twin)} findings on the correct twin", lines)
    return Judgement(fault, Outcome.CAUGHT, "", lines)


def complaints(root: Path) -> list[str]:
    """Return what a check of a repository says at warning or above, one line each."""
    return list(
        _lines(finding for finding in _findings(root) if (finding.severity or Severity.ERROR) >= Severity.WARNING)
    )


def _findings(root: Path) -> list[Finding]:
    return check(root, CheckOptions(policies=False)).findings


def _lines(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        yield f"{finding.rule} {finding.at.place()}: {finding.message}"


def _is_at(root: Path, finding: Finding, expected: Expectation) -> bool:
    place = finding.at.place()
    if expected.at and place.file != expected.at:
        return False
    if not expected.line:
        return True
    if place.line is None:
        return False
    return expected.line in (root / place.file).read_text().splitlines()[place.line - 1]


def _place(expected: Expectation) -> str:
    return f"{expected.at or 'any file'}, line with {expected.line!r}" if expected.line else expected.at
