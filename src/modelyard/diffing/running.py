"""Where the changed models run and what they cost, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelyard.diffing.model import ApplicationChange, EnvironmentChange, Kind
from modelyard.diffing.values import equal
from modelyard.view import Environment

if TYPE_CHECKING:
    from modelyard.costing import Amount
    from modelyard.placement import Placement

RUNS_ON, MONTHLY = "runs on", "$/month"
_MOST_TYPES = 2
_CENTS = 0.5
SAME = "same"
# What the scheduler does not look at. Anything else that differs is judged anew.
_UNSEEN_KINDS = frozenset({"ConfigMap", "Secret", "Service", "ServiceMonitor", "NetworkPolicy", "PodDisruptionBudget"})
_UNSEEN = frozenset(
    {
        "args",
        "command",
        "env",
        "envFrom",
        "image",
        "startupProbe",
        "readinessProbe",
        "livenessProbe",
        "configMap",
        "secret",
    }
)


def compare_placements(
    change: EnvironmentChange, before: Environment | None, after: Environment | None, shared: bool
) -> None:
    """Set on which pools and instance types the pods of the changed models land, on both sides.

    Args:
        change: The environment's change.
        before: Its base side.
        after: Its head side.
        shared: Whether both sides have the same platform; pods of which the scheduler sees no difference stay then.
    """
    models = [each for each in change.applications if each.model]
    demands = [_demands(view) if view else {} for view in (before, after)]
    open_ = []
    for each in models:
        name_before = each.name_before or each.name
        if shared and each.name in demands[1] and equal(demands[0].get(name_before), demands[1][each.name]):
            each.columns[RUNS_ON] = (SAME, SAME)
        else:
            open_.append(each)
    if not open_:
        return
    new = _by_application(after) if after else {}
    old = _by_application(before) if before else {}
    for each in open_:
        first = old.get(each.name_before or each.name, "") if each.kind is not Kind.ADDED else ""
        second = new.get(each.name, "") if each.kind is not Kind.REMOVED else ""
        if first or second:
            each.columns[RUNS_ON] = (first, second)


def _demands(view: Environment) -> dict[str, Any]:
    """Return what the scheduler sees of each model: its resources without what only its containers read."""
    return {
        application.name: [
            _seen(manifest.value) for manifest in application.resources if manifest.kind not in _UNSEEN_KINDS
        ]
        for application in view.applications
        if application.is_model and application.resources
    }


def _seen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _seen(item) for key, item in value.items() if key not in _UNSEEN}
    return [_seen(item) for item in value] if isinstance(value, list) else value


def compare_costs(change: EnvironmentChange, before: Environment | None, after: Environment | None) -> None:
    """Set by how much the monthly cost of the changed models differs, from fewest to most replicas.

    Models share nodes, so both sides have to hold every Application of the environment.
    """
    for each in change.applications:
        if each.model:
            each.columns[MONTHLY] = ("", _difference(each, before, after))


def _by_application(view: Environment) -> Mapping[str, str]:
    from modelyard.placement import placements

    models = {model.workload.manifest: model.application.name for model in view.models}
    found: dict[str, list[str]] = {}
    for placement in placements(view):
        name = models.get(placement.workload.manifest)
        if name is not None:
            found.setdefault(name, []).append(_landing(placement))
    return {name: "; ".join(dict.fromkeys(eligible_devices)) for name, eligible_devices in found.items()}


def _landing(placement: Placement) -> str:
    if placement.unknown:
        return f"not checked: {placement.unknown}"
    if not placement.accepting:
        return "no node pool takes its pods"
    first = placement.accepting[0]
    types = ", then ".join(option.name for option in first.options[:_MOST_TYPES])
    more = len(first.options) - _MOST_TYPES
    return f"{first.pool}: {types}" + (f" ({more} more)" if more > 0 else "")


def _difference(change: ApplicationChange, before: Environment | None, after: Environment | None) -> str:
    from modelyard.costing import Scale, environment_cost

    name_before = change.name_before or change.name
    old = environment_cost(before).of_model(name_before) if before and change.kind is not Kind.ADDED else Scale()
    new = environment_cost(after).of_model(change.name) if after and change.kind is not Kind.REMOVED else Scale()
    if old is None or new is None:
        return "not known: its pods are on no node that is priced"
    unpriced = [*old.ceiling.unknown, *new.ceiling.unknown]
    if unpriced:
        return f"not known: no price for {unpriced[0]}"
    least = _months(old.floor, new.floor)[0]
    most = _months(old.ceiling, new.ceiling)[1]
    least, most = min(least, most), max(least, most)
    return _signed(least) if abs(most - least) < _CENTS else f"{_signed(least)} … {_signed(most)}"


def _months(old: Amount, new: Amount) -> tuple[float, float]:
    """Return by how much two amounts differ in a month, at their lower and at their upper ends."""
    return new.month[0] - old.month[0], new.month[1] - old.month[1]


def _signed(usd: float) -> str:
    if abs(usd) < _CENTS:
        return "±0"
    return f"{'+' if usd > 0 else '−'}{abs(usd):,.0f}"  # noqa: RUF001 - a minus sign
