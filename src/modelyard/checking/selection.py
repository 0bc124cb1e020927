"""Which rules run and report, and how bad what they find is: `--select`, `--ignore` and `severities` of settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from modelyard.checking.options import CheckOptions
from modelyard.findings import Finding, NotChecked, Severity, UserError
from modelyard.rules import rules
from modelyard.wording import did_you_mean

OFF = "off"


def require_known_names(options: CheckOptions) -> None:
    """Raise where what is selected or ignored does not exist.

    Raises:
        UserError: There is no such area or rule.
    """
    for name in (*options.select, *options.ignore):
        _require_known(name)


def running(options: CheckOptions) -> list[str]:
    """Return the ids of the rules that run: those that report."""
    return [each for each in rules() if _reports(each, options.select, options.ignore)]


def selected(findings: Iterable[Finding], select: Sequence[str], ignore: Sequence[str]) -> list[Finding]:
    """Return the findings whose rules are asked for.

    As in ruff, an area stands for its rules, and what names a rule more closely wins: `--select network --ignore
    network/caller-denied` reports all of the area but one.

    Args:
        findings: The findings.
        select: Areas and rules that report; all when empty.
        ignore: Areas and rules that do not.
    """
    return [each for each in findings if _reports(each.rule, select, ignore)]


def gaps_of_selected(gaps: Iterable[NotChecked], select: Sequence[str], ignore: Sequence[str]) -> list[NotChecked]:
    """Return the gaps that matter to the rules that are asked for; those of no rule matter to all."""
    return [each for each in gaps if not each.rule or _reports(each.rule, select, ignore)]


def with_severities(findings: Iterable[Finding], configured: Mapping[str, str]) -> list[Finding]:
    """Return findings as bad as the settings say; those that are off are left out.

    Args:
        findings: The findings.
        configured: Severity, or `off`, by area or rule; the closer name wins.

    Raises:
        UserError: There is no such area or rule.
    """
    for name in configured:
        _require_known(name)
    found = []
    for each in findings:
        said = configured.get(each.rule, configured.get(each.rule.partition("/")[0]))
        if said is None:
            found.append(each)
        elif said != OFF:
            found.append(replace(each, severity=Severity[said.upper()]))
    return found


def _reports(rule: str, select: Sequence[str], ignore: Sequence[str]) -> bool:
    wanted = max((_closeness(name, rule) for name in select), default=0) if select else 1
    unwanted = max((_closeness(name, rule) for name in ignore), default=0)
    return wanted > 0 and unwanted < (wanted if select else 1) if unwanted else wanted > 0


def _closeness(name: str, rule: str) -> int:
    """Return 2 for a rule itself, 1 for its area, 0 for another name."""
    plain = name.removesuffix("/*").rstrip("/")
    return 2 if plain == rule else 1 if plain == rule.partition("/")[0] else 0


def _require_known(name: str) -> None:
    plain = name.removesuffix("/*").rstrip("/")
    known = {*rules(), *(name.partition("/")[0] for name in rules()), "policies"}
    if plain not in known and not plain.startswith("policies/"):
        raise UserError(
            f"there is no rule or area {name}",
            fix=did_you_mean(plain, known) or "modelyard explain lists the rules",
        )
