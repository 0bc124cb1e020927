"""Fixes of findings as changes of the texts in an editor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from modelyard.editing.fixing import NotFixable, Step, is_safe, order, steps_of, with_step
from modelyard.findings import Finding, UserError
from modelyard.repository import Repository


@dataclass(frozen=True, slots=True)
class Fix:
    """What mends one finding.

    Attributes:
        finding: The finding.
        steps: The changes, in the order in which they are made.
        repository: What was checked.
    """

    finding: Finding
    steps: tuple[Step, ...]
    repository: Repository

    @property
    def safe(self) -> bool:
        """Return whether it removes nothing, and touches only text that one kustomization reads."""
        return is_safe(self.repository, self.steps)

    def texts(self, current: Callable[[str], str]) -> dict[str, str]:
        """Return each file's text with the fix; nothing where a text is not as it was when the fix was found.

        Args:
            current: From a file to its text as it stands in the editor, or else on disk.
        """
        made: dict[str, str] = {}
        try:
            for step in self.steps:
                made[step.file] = with_step(made.get(step.file) or current(step.file), step)
        except (NotFixable, UserError, IndexError):
            return {}
        return made


def fixes(repository: Repository, findings: Iterable[Finding]) -> tuple[Fix, ...]:
    """Return the fixes of those findings that have one which can be written."""
    found = []
    for finding in findings:
        if not finding.edits:
            continue
        try:
            steps = tuple(sorted(steps_of(finding), key=order))
        except (NotFixable, UserError):
            continue
        found.append(Fix(finding, steps, repository))
    return tuple(found)
