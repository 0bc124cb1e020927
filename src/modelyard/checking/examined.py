"""What is said of one environment, and what there is to know before anybody looks at it.

Nothing here loads rules or the view: a check of which all is kept needs neither.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from modelyard.checking.options import CheckOptions
from modelyard.findings import EnvironmentSummary, Finding, NotChecked
from modelyard.repository import Repository


@dataclass(frozen=True, slots=True)
class Examination:
    """What is said of one environment.

    Attributes:
        findings: As rules and policies give them, their addresses not looked up yet.
        gaps: What was not checked of it.
        summary: Its counts.
        cached_applications: Applications whose rendering came from the cache.
    """

    findings: tuple[Finding, ...]
    gaps: tuple[NotChecked, ...]
    summary: EnvironmentSummary
    cached_applications: int


def load_rules(options: CheckOptions) -> None:
    """Begin to load the rules that run, hundreds of modules, beside other work."""

    def load() -> None:
        from modelyard.checking.selection import running
        from modelyard.rules import rules

        for each in running(options):
            rules()[each]

    threading.Thread(target=load, name="rules", daemon=True).start()


def runs_policies(repository: Repository, options: CheckOptions) -> bool:
    """Return whether a check runs code of the repository."""
    if not repository.policy_files:
        return False
    return _is_trusted(repository) if options.policies is None else options.policies


def policies_gap(repository: Repository, options: CheckOptions) -> tuple[NotChecked, ...]:
    """Return that policies do not run, where nobody said whether they do."""
    files = repository.policy_files
    if options.policies is not None or not files or _is_trusted(repository):
        return ()
    from modelyard.repository.trust import VARIABLE

    reason = f"{files[0]} is code of the repository, which runs where you say so"
    return (NotChecked("policies", reason, f"modelyard check --policies, or name the folder in {VARIABLE}"),)


def _is_trusted(repository: Repository) -> bool:
    from modelyard.repository.trust import may_run

    return may_run(repository.root)
