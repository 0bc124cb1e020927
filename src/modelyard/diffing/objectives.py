"""Whether changed models meet their objectives, and what a million tokens cost, before and after."""

from __future__ import annotations

from modelyard.diffing.model import EnvironmentChange, Hazard, Kind
from modelyard.findings import Severity
from modelyard.planning.objectives_met import ModelObjectives, models_with_objectives
from modelyard.planning.plan import Verdict
from modelyard.view import Environment

COLUMN = "objectives"


def compare_objectives(change: EnvironmentChange, before: Environment | None, after: Environment | None) -> None:
    """Set how the changed models of an environment that have objectives lie to them.

    Args:
        change: The environment's change.
        before: The base side with the models in question; None where it has none.
        after: The same of the head side.
    """
    old = {each.model.name: each for each in models_with_objectives(before)} if before else {}
    new = {each.model.name: each for each in models_with_objectives(after)} if after else {}
    for each in change.applications:
        if not each.model:
            continue
        first = old.get(each.name_before or each.name) if each.kind is not Kind.ADDED else None
        second = new.get(each.name) if each.kind is not Kind.REMOVED else None
        if first is None and second is None:
            continue
        each.columns[COLUMN] = (_words(first), _words(second))
        reason = _cannot(second)
        if reason and not _cannot(first):
            message = f"{each.name} cannot meet its objectives: {reason}"
            each.hazards.insert(0, Hazard("objectives", Severity.ERROR, message))


def _cannot(each: ModelObjectives | None) -> str:
    """Return why a model cannot meet its objectives; empty where it may."""
    cannot = each is not None and each.now is not None and each.now.verdict is Verdict.CANNOT
    return each.now.reason if cannot and each is not None and each.now is not None else ""


def _words(each: ModelObjectives | None) -> str:
    """Return the verdict with its ranges and the cost of a million tokens, in a few words."""
    if each is None:
        return ""
    now, objectives = each.now, each.objectives
    if now is None or objectives is None:
        return f"not checked: {each.gap}" if each.gap else "not checked"
    words = now.verdict.value
    if now.ttft is not None and now.itl is not None:
        words += f" ({now.ttft.low:.0f} to {now.ttft.high:.0f} ms, {now.itl.low:.0f} to {now.itl.high:.0f} ms a token"
        words += ", calibrated)" if now.basis.calibrated else ", estimated)"
    million = now.usd_per_million(objectives.prompt + objectives.output)
    return words if million is None else f"{words}, {million:.2f} USD a million tokens"
