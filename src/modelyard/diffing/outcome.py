"""The outcome of a change in numbers: what a reviewer reads first, and perhaps alone."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.diffing.costs import signed
from modelyard.diffing.model import EnvironmentChange, Kind
from modelyard.diffing.wording import summary
from modelyard.findings import Severity
from modelyard.reporting import listed
from modelyard.reporting.causes import causes
from modelyard.wording import counted

_CENTS = 0.5
_OWN = frozenset({"immutable", "definitions", "kubernetes"})
"""Topics of errors that no rule reports, since a check sees one side only."""


def outcome(change: EnvironmentChange) -> str:
    """Return the outcome, such as `1 new error, 2 models cannot be scheduled, +$760/month, 3 pods restart`."""
    parts = [*_failures(change), *_removals(change)]
    if change.new_findings is not None and not any(_severity_counts(change)):
        parts.insert(0, "no new findings")
    if change.kind in (Kind.ADDED, Kind.REMOVED):
        parts.append(summary(change))
    cost = _cost(change)
    restarts = _restarts(change)
    parts += [each for each in (cost, restarts) if each]
    return ", ".join(parts) or summary(change)


def unscheduled(change: EnvironmentChange) -> str:
    """Return which Applications cannot be scheduled any more; empty where all can."""
    names = [*change.unscheduled_models, *change.unscheduled_others]
    return f"pods that have to run find no node: {listed(names, most=12)}" if names else ""


def _failures(change: EnvironmentChange) -> Iterator[str]:
    errors, warnings = _severity_counts(change)
    if errors:
        yield counted(errors, "new error")
    for names, noun in ((change.unscheduled_models, "model"), (change.unscheduled_others, "platform Application")):
        if names:
            yield f"{counted(len(names), noun)} cannot be scheduled"
    for topic, one, several in (
        ("render", "1 Application does not render", "{} Applications do not render"),
        ("immutable", "1 immutable field changed", "{} immutable fields changed"),
        ("fit", "1 model no longer fits", "{} models no longer fit"),
    ):
        number = sum(each.topic == topic and each.severity is Severity.ERROR for each in change.all_hazards)
        if number:
            yield one if number == 1 else several.format(f"{number:,}")
    if warnings:
        yield counted(warnings, "new warning")


def _severity_counts(change: EnvironmentChange) -> tuple[int, int]:
    """Return how many new errors and new warnings there are.

    Findings are counted by their cause. What only a comparison can tell is an error too, such as a field that cannot be
    changed; what does not render or fit is a finding of its own.
    """
    found = [each.severity for each in causes(change.new_findings or ())]
    own = {each.message for each in change.all_hazards if each.severity is Severity.ERROR and each.topic in _OWN}
    return found.count(Severity.ERROR) + len(own), found.count(Severity.WARNING)


def _removals(change: EnvironmentChange) -> Iterator[str]:
    if change.kind is Kind.REMOVED:
        return
    gone = [each for each in change.applications if each.kind is Kind.REMOVED]
    models = sum(each.model for each in gone)
    if models:
        yield f"{counted(models, 'model')} removed"
    if len(gone) > models:
        yield f"{counted(len(gone) - models, 'platform Application')} removed"


def _cost(change: EnvironmentChange) -> str:
    if change.cost is None:
        return ""
    found = change.cost.difference
    if found is None:
        return "cost not known"
    least, most = found
    if abs(least) < _CENTS and abs(most) < _CENTS:
        return "same cost"
    if most - least < _CENTS:
        return f"{signed(least, '$')}/month"
    return f"{signed(least, '$')} to {signed(most, '$')}/month"


def _restarts(change: EnvironmentChange) -> str:
    found = [each.number for application in change.applications for each in application.restarts]
    known = [number for number in found if number is not None]
    least, most = sum(each[0] for each in known), sum(each[1] for each in known)
    unknown = len(found) - len(known)
    if not most:
        return f"pods of {counted(unknown, 'workload')} restart" if unknown else ""
    number = f"{least:,} to {most:,} pods" if least != most else counted(most, "pod")
    verb = "restarts" if most == 1 and not unknown else "restart"
    return f"at least {number} {verb}" if unknown else f"{number} {verb}"
