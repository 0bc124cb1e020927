"""Where models run, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelyard.diffing.model import EnvironmentChange, Kind
from modelyard.diffing.values import equal
from modelyard.view import Environment

if TYPE_CHECKING:
    from modelyard.placement import Placement

RUNS_ON = "runs on"
_MOST_TYPES = 2
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


def compare_scheduling(change: EnvironmentChange, before: Environment | None, after: Environment) -> None:
    """Tell which Applications have pods that find no node any more, those that are not changed themselves included.

    Pods are put on nodes together, so both sides have to hold every Application of the environment.
    """
    names_before = {each.name: each.name_before or each.name for each in change.applications}
    old = unscheduled_applications(before) if before else frozenset[str]()
    models = {each.name for each in after.applications if each.is_model}
    for name in sorted(unscheduled_applications(after)):
        if names_before.get(name, name) in old:
            continue
        (change.unscheduled_models if name in models else change.unscheduled_others).append(name)


def unscheduled_applications(view: Environment, *, full_scale: bool = False) -> frozenset[str]:
    """Return the Applications with pods that find no node beside the others.

    Args:
        view: The environment, with every Application.
        full_scale: Whether the pods of full scale are looked at, or the fewest that the workloads may have.
    """
    from modelyard.placement import demand_by_template, placements, scales

    found = scales(view)
    names = {demand.workload.manifest.application for demand in (found.most if full_scale else found.least).left}
    demand_of = demand_by_template(view)
    for placement in placements(view):
        demand = demand_of.get(placement.template)
        if placement.refused and demand is not None and (demand.most if full_scale else demand.least):
            names.add(placement.workload.manifest.application)
    return frozenset(names)


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
