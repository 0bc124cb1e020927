"""Whether models fit their devices, before and after."""

from __future__ import annotations

from modelyard.diffing.model import EnvironmentChange, Hazard, Kind, MemoryUse
from modelyard.findings import Severity
from modelyard.sizing import Fit, FitVerdict, budget_parts, fits
from modelyard.view import Environment

COLUMN = "fits"
_NOTHING = ""
_GOOD = (FitVerdict.FITS, FitVerdict.TIGHT)


def compare_fits(change: EnvironmentChange, before: Environment | None, after: Environment | None) -> None:
    """Set how the changed models of an environment fit, and tell of others whose verdict is another one.

    Args:
        change: The environment's change.
        before: The base side with its node pools and the models in question; None where it has none.
        after: The same of the head side.
    """
    old = {fit.model.name: fit for fit in fits(before)} if before else {}
    new = {fit.model.name: fit for fit in fits(after)} if after else {}
    told = set()
    for each in change.applications:
        if not each.model:
            continue
        told.add(each.name)
        first = old.get(each.name_before or each.name) if each.kind not in (Kind.ADDED, Kind.REMOVED) else None
        second = new.get(each.name) if each.kind is not Kind.REMOVED else None
        each.columns[COLUMN] = (_words(first), _words(second))
        each.memory = (_memory(first), _memory(second))
        if first and second and first.verdict in _GOOD and second.verdict is FitVerdict.DOES_NOT_FIT:
            each.hazards.insert(0, Hazard("fit", Severity.ERROR, f"{each.name} fitted and does not any more"))
    for name in sorted(old.keys() & new.keys() - told):
        first, second = old[name], new[name]
        if first.verdict != second.verdict:
            severity = Severity.ERROR if second.verdict is FitVerdict.DOES_NOT_FIT else Severity.NOTE
            message = f"{name} is not changed itself, and its node pools are: {_words(first)} becomes {_words(second)}"
            change.hazards.append(Hazard("fit", severity, message))


def _memory(fit: Fit | None) -> MemoryUse | None:
    if fit is None or fit.worst is None:
        return None
    budget = fit.worst.assessment.budget
    parts = {name: round(gib, 2) for name, gib in budget_parts(budget) if gib}
    return MemoryUse(fit.worst.eligible.device.name, round(budget.total_gib, 2), parts)


def _words(fit: Fit | None) -> str:
    """Return the verdict with what it rests on, in a few words; what is not known is said to be not checked."""
    if fit is None:
        return _NOTHING
    if fit.verdict is None:
        return f"not checked: {fit.gap}" if fit.gap else "not checked"
    if fit.cores:
        budget = fit.cores[0].budget
        return _verdict(budget.verdict, len(fit.cores) > 1, fit.cores[0].eligible.device.name, None, "core")
    worst = fit.worst
    assert worst is not None  # noqa: S101 - a verdict comes from a device
    room = worst.assessment.budget.kv_available_gib
    return _verdict(worst.assessment.verdict, len(fit.devices) > 1, worst.eligible.device.name, room, "GPU")


def _verdict(verdict: FitVerdict, several: bool, device: str, room: float | None, each: str) -> str:
    word = "yes" if verdict is FitVerdict.FITS else "no" if verdict is FitVerdict.DOES_NOT_FIT else str(verdict)
    cache = f", {room:.1f} GiB per {each} for the cache" if room is not None and room > 0 else ""
    return f"{word}{cache} (worst: {device})" if several else f"{word}{cache} ({device})"
