"""Makes mistakes in copies of base repositories and judges what the check says of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from modelyard.checking import CheckOptions, check
from modelyard.findings import Finding, Severity
from modelyard.rules import rules
from tests.faults.catalogue import Expectation, Fault
from tests.repositories.edits import apply_edits

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


class Copies:
    """Copies of base repositories that edits are made in and taken back from; a whole copy for each would take longer.

    Args:
        bases: The base repositories by name.
        folder: Where the copies are made.
    """

    def __init__(self, bases: Mapping[str, Path], folder: Path) -> None:
        self.bases = bases
        self.folder = folder

    @contextmanager
    def changed(self, name: str, edits: Mapping[str, Any]) -> Iterator[Path]:
        """Give a base repository with edits, which are taken back afterwards."""
        root = self.folder / name
        if not root.exists():
            shutil.copytree(self.bases[name], root, symlinks=True)
        try:
            apply_edits(root, dict(edits))
            yield root
        finally:
            for path in _touched(edits):
                _restore(self.bases[name], root, path)


def _touched(edits: Mapping[str, Any]) -> list[str]:
    return [*edits.get("remove", ()), *(path for kind in ("write", "replace", "edit") for path in edits.get(kind, ()))]


def _restore(base: Path, root: Path, path: str) -> None:
    if (base / path).is_dir():
        shutil.rmtree(root / path, ignore_errors=True)
        shutil.copytree(base / path, root / path, symlinks=True)
    elif (base / path).is_file():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(base / path, root / path)
    else:
        (root / path).unlink(missing_ok=True)
        for above in (root / path).parents:
            if above == root or (base / above.relative_to(root)).exists():
                break
            above.rmdir()


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
