"""What the check says of a mutant: that it noticed the mistake, something else, or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import PurePosixPath

from modelyard.findings import Finding, NotChecked, Place, Report, Severity, UserError
from tests.mutants.mutations import Family, Mutant, applied
from tests.mutants.workbench import Workbench

LEAST_NAME = 3
"""Shorter texts stand in every message by chance."""


class Outcome(StrEnum):
    """What became of a mutant; the better first."""

    KILLED = "killed"
    REFUSED = "refused"
    ELSEWHERE = "elsewhere"
    NOT_CHECKED = "not checked"
    EQUAL = "equal"
    SURVIVED = "survived"
    CRASHED = "crashed"


def judged(mutant: Mutant, bench: Workbench, texts: Mapping[str, str]) -> dict[str, object]:
    """Return what becomes of a mutant, as a line of results.

    Args:
        mutant: The mutant.
        bench: Checks the repository with it.
        texts: The files of the repository as they are.
    """
    changed = applied(mutant.edits, texts)
    line = described(mutant, texts)
    try:
        report, differs = bench.check(changed)
    except UserError as refusal:
        return {**line, "outcome": Outcome.REFUSED.value, "said": [refusal.message]}
    except Exception as fault:
        return {**line, "outcome": Outcome.CRASHED.value, "said": [repr(fault)[:300]]}
    new = _new(report, bench.report)
    at = [each for each in new if _is_about(each, mutant, changed)]
    gaps = _new_gaps(report, bench.report)
    is_gap = bool(gaps) or _is_known_gap(mutant, bench.report)
    outcome = _outcome(bool(at), bool(new), is_gap, differs or not is_rendered(mutant, bench))
    return {
        **line,
        "outcome": outcome.value,
        "rules": sorted({each.rule for each in new}),
        "owners": sorted({each.rule for each in at}),
        "causes": len({(each.rule, str(each.at.place())) for each in new}),
        "said": [f"{each.rule} {each.at.place()}: {each.message}"[:300] for each in new[:5]],
        "gaps": [f"{each.subject}: {each.reason}"[:200] for each in gaps[:3]],
    }


def described(mutant: Mutant, texts: Mapping[str, str]) -> dict[str, object]:
    """Return what a mutant is, as the beginning of a line of results."""
    return {
        "file": mutant.leaf.file,
        "line": texts[mutant.leaf.file].count("\n", 0, mutant.leaf.span[0]) + 1,
        "field": mutant.leaf.field,
        "family": mutant.family.value,
        "old": mutant.old,
        "new": mutant.new,
    }


def _outcome(is_about: bool, is_found: bool, is_gap: bool, differs: bool) -> Outcome:
    if is_about:
        return Outcome.KILLED
    if is_found:
        return Outcome.ELSEWHERE
    if is_gap:
        return Outcome.NOT_CHECKED
    return Outcome.SURVIVED if differs else Outcome.EQUAL


def _is_known_gap(mutant: Mutant, base: Report) -> bool:
    """Return whether the check says of the unchanged repository that it cannot check what is changed."""
    parts = PurePosixPath(mutant.leaf.file).parts
    is_values = parts[-1] in ("values.yaml", "values.yml")
    for gap in base.not_checked:
        if is_values and str(gap.subject).startswith("chart ") and gap.application == parts[-2]:
            return True
        if mutant.leaf.object and mutant.leaf.object == str(gap.subject).partition(": ")[0]:
            return True
    return False


def is_rendered(mutant: Mutant, bench: Workbench) -> bool:
    """Return whether what is changed serves nothing but rendering, so that equal renderings are an equal repository."""
    trees = bench.base.kustomizations._trees.values()
    return all(any(edit.file in tree.inputs for tree in trees) for edit in mutant.edits)


def _new(report: Report, base: Report) -> list[Finding]:
    known = {(each.rule, each.message) for each in base.findings}
    return [
        each
        for each in report.findings
        if (each.severity or Severity.ERROR) >= Severity.WARNING and (each.rule, each.message) not in known
    ]


def _new_gaps(report: Report, base: Report) -> list[NotChecked]:
    known = {(str(each.subject), each.reason) for each in base.not_checked}
    return [each for each in report.not_checked if (str(each.subject), each.reason) not in known]


def _is_about(finding: Finding, mutant: Mutant, changed: Mapping[str, str]) -> bool:
    """Return whether a finding stands at the change, or at the other end of its join and names it."""
    place = finding.at.place()
    if any(_stands_at(place, edit.file, edit.start, mutant, changed) for edit in mutant.edits):
        return True
    told = " ".join((finding.message, finding.fix, *finding.detail))
    return any(_names(told, name) for name in _name_parts(mutant))


def _stands_at(place: Place, file: str, start: int, mutant: Mutant, changed: Mapping[str, str]) -> bool:
    if place.file != file or place.line is None:
        return False
    text = changed[file]
    first = text.count("\n", 0, start) + 1
    if mutant.family in (Family.REMOVED, Family.MISSPELT_KEY, Family.DOUBLED):
        top = text.count("\n", 0, mutant.leaf.parent[0]) + 1
        bottom = text.count("\n", 0, min(mutant.leaf.parent[1], len(text))) + 1
        if mutant.leaf.indent:
            top -= 1  # a patch is named by the line that it begins on
        return top - 1 <= place.line <= bottom + 1
    return first - 1 <= place.line <= first + 1 if mutant.leaf.is_scalar else place.line >= first


def _name_parts(mutant: Mutant) -> Iterable[str]:
    yield from (mutant.old, mutant.new)
    if mutant.family in (Family.REMOVED, Family.MISSPELT_KEY) and mutant.leaf.key:
        yield mutant.leaf.key
    if mutant.old.startswith("--"):
        yield mutant.old.partition("=")[0].lstrip("-")


def _names(told: str, name: str) -> bool:
    if len(name) < LEAST_NAME:
        return bool(name) and re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", told) is not None
    return name in told
