"""Findings that one side has and the other has not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from modelyard.checking import check
from modelyard.diffing.model import EnvironmentChange, Kind
from modelyard.diffing.options import DiffOptions
from modelyard.findings import Finding
from modelyard.repository import Repository


def compare_findings(
    base: Repository | None, head: Repository | None, changes: Sequence[EnvironmentChange], options: DiffOptions
) -> None:
    """Set the findings that come and go with the change; the environments are checked whole on both sides.

    A finding is the same on both sides when rule, file, Application and message are: it may have moved to another line.
    """
    first = _found(base, [each.name_before or each.name for each in changes if each.kind is not Kind.ADDED], options)
    second = _found(head, [each.name for each in changes if each.kind is not Kind.REMOVED], options)
    for change in changes:
        before = [each for each in first if each.environment in (change.name_before or change.name, "")]
        after = [each for each in second if each.environment in (change.name, "")]
        renaming = (change.name_before, change.name) if change.name_before else None
        change.new_findings = _surplus(after, before, renaming)
        change.gone_findings = _surplus(before, after, renaming)


def _found(repository: Repository | None, names: Sequence[str], options: DiffOptions) -> list[Finding]:
    held = tuple(name for name in names if repository is not None and name in repository.environments)
    if repository is None or not held:
        return []
    return check(repository.root, options.of_check(held)).findings


def _surplus(these: Sequence[Finding], others: Sequence[Finding], renaming: tuple[str, str] | None) -> list[Finding]:
    left = Counter(_identity(each, renaming) for each in others)
    found = []
    for each in these:
        identity = _identity(each, renaming)
        if left[identity] > 0:
            left[identity] -= 1
        else:
            found.append(each)
    return found


def _identity(finding: Finding, renaming: tuple[str, str] | None) -> tuple[str, ...]:
    file = finding.at.place().file
    if renaming:
        file = file.replace(f"environments/{renaming[0]}/", f"environments/{renaming[1]}/", 1)
    return (finding.rule, file, finding.application, finding.message)
