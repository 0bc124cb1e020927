"""The outcome of one check, before it is printed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from modelyard.findings.model import Finding, NotChecked, Severity


class ExitCode(IntEnum):
    """The documented exit codes."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    NOT_CHECKED = 3
    INTERNAL = 4
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class EnvironmentSummary:
    """Counts of one environment, for the end of a report.

    Attributes:
        name: Name of the environment.
        applications: Argo CD Applications checked in it.
        models: Models that it serves.
        resources: Resources that were rendered.
        application_names: Name of each Application checked, for formats that list them.
        rendered: Resources that all its Applications brought; None where nobody counted.
        shared: Those of `resources` that are of no Application: of the app-of-apps and of what install.sh applies.
    """

    name: str
    applications: int
    models: int
    resources: int
    application_names: tuple[str, ...] = ()
    rendered: int | None = None
    shared: int = 0


@dataclass(slots=True)
class Report:
    """Everything one check found.

    Attributes:
        root: The repository's root.
        environments: One summary per environment checked, in order of name.
        findings: Sorted by place, waived ones left out.
        not_checked: What could not be checked; accepted gaps carry their reason.
        waived: Findings that a waiver in `modelyard.yaml` covers.
        known: Findings that the baseline has, or the revision that the check compares with.
        gone: How many findings of the baseline nothing answers to any more.
        seconds: Wall time of the check.
        applications: Applications checked.
        cached_applications: Those whose rendering came from the cache.
        incomplete_applications: Those with at least one gap.
        shard: Number of this part and of all parts, counted from 1; None for a whole check.
    """

    root: Path
    environments: list[EnvironmentSummary] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    not_checked: list[NotChecked] = field(default_factory=list)
    waived: list[Finding] = field(default_factory=list)
    known: list[Finding] = field(default_factory=list)
    gone: int = 0
    seconds: float = 0.0
    applications: int = 0
    cached_applications: int = 0
    incomplete_applications: int = 0
    shard: tuple[int, int] | None = None

    def count(self, severity: Severity, findings: Iterable[Finding] | None = None) -> int:
        """Return how many findings have exactly this severity."""
        return sum(1 for finding in (self.findings if findings is None else findings) if finding.severity == severity)

    @property
    def saw_nothing(self) -> bool:
        """Return whether no Application brought anything that could be looked at, though something could not be."""
        return bool(self.not_checked) and all(each.rendered == 0 for each in self.environments)

    def exit_code(self, fail_on: Severity, strict: bool) -> ExitCode:
        """Return the exit code: findings before gaps, gaps only when `strict` or when there is nothing else."""
        if any((finding.severity or Severity.ERROR) >= fail_on for finding in self.findings):
            return ExitCode.FINDINGS
        if self.saw_nothing:
            return ExitCode.NOT_CHECKED
        if strict and any(not gap.accepted for gap in self.not_checked):
            return ExitCode.NOT_CHECKED
        return ExitCode.CLEAN
