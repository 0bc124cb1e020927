"""Memory of models on devices, and pods on pools, for the page."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from modelyard.placement import (
    Demand,
    GroupVerdict,
    Placement,
    PoolVerdict,
    cluster,
    demand_by_template,
    placements,
    written,
)
from modelyard.sizing import CoreFit, DeviceFit, Fit, budget_parts, changes_for, fits
from modelyard.view import Environment, title_of


def memory_content(view: Environment, shown: Collection[str]) -> list[dict[str, Any]]:
    """Return how each model fits each device that its pods can land on; memory is in GiB per rank.

    Args:
        view: The environment.
        shown: Applications to show.
    """
    return [_fit(fit) for fit in fits(view) if fit.model.application.name in shown]


def _fit(fit: Fit) -> dict[str, Any]:
    model = fit.model
    return {
        "name": model.name,
        "model": model.settings.model_id or "",
        "engine": f"{title_of(model.engine.core)} {model.engine_version or 'of unknown version'}",
        "verdict": fit.verdict.value if fit.verdict else "not checked",
        "gap": fit.gap,
        "fix": fit.fix,
        "devices": [_device(fit, each) for each in fit.devices] + [_core(each) for each in fit.cores],
    }


def _device(fit: Fit, each: DeviceFit) -> dict[str, Any]:
    assessment, budget = each.assessment, each.assessment.budget
    return {
        "device": assessment.device.name,
        "verdict": assessment.verdict.value,
        "total": round(budget.total_gib, 2),
        "requested": round(budget.requested_gib, 2),
        "parts": {name: round(gib, 2) for name, gib in budget_parts(budget)},
        "reasons": list(assessment.reasons),
        "changes": [change.text for change in changes_for(fit, each)],
        "basis": assessment.basis,
        "requests": budget.requests,
        "tokens": budget.tokens,
        "types": list(each.eligible.instance_types),
        "pools": list(each.eligible.pools),
    }


def _core(each: CoreFit) -> dict[str, Any]:
    budget = each.budget
    return {
        "device": f"{each.eligible.device.name} core",
        "verdict": budget.verdict.value,
        "total": round(budget.core_gib, 2),
        "requested": round(budget.core_gib, 2),
        "parts": {"weights": round(budget.weights_gib, 2), "KV": round(budget.kv_gib, 2)},
        "reasons": list(budget.reasons),
        "changes": [],
        "basis": "estimated; no public start-up log of this device is known",
        "types": list(each.eligible.instance_types),
        "pools": list(each.eligible.pools),
    }


def placement_content(view: Environment, shown: Collection[str]) -> dict[str, Any]:
    """Return what each pool and managed node group says to each pod template.

    Args:
        view: The environment.
        shown: Applications to show.
    """
    pools = cluster(view)
    demands = demand_by_template(view)
    models = {each.name for each in view.applications if each.is_model}
    rows = [
        _row(each, demands.get(each.template), models)
        for each in placements(view)
        if each.workload.manifest.application in shown
    ]
    groups = dict.fromkeys(name for row in rows for name in row["groups"])
    return {
        "pools": [each.pool.name for each in pools.templates],
        "groups": list(groups),
        "rows": sorted(rows, key=lambda row: (row["kind"] == "DaemonSet", not row["is-model"], row["name"])),
        "gaps": [{"subject": str(subject), "reason": reason} for subject, reason in pools.gaps],
    }


def _row(found: Placement, demand: Demand | None, models: Collection[str]) -> dict[str, Any]:
    application = found.workload.manifest.application
    pods = "on every node that it selects" if found.daemon else "" if demand is None else _pods(demand)
    return {
        "application": application,
        "is-model": application in models,
        "kind": found.workload.kind,
        "name": found.workload.name,
        "pods": pods,
        "requests": ", ".join(
            written(name, value) for name, value in sorted(found.shape.requests.items()) if name != "pods"
        ),
        "unknown": found.unknown,
        "refused": found.refused,
        "daemon": list(found.nodes_with_daemon) if found.daemon else [],
        "pools": {verdict.pool: _pool(verdict) for verdict in found.verdicts},
        "groups": {verdict.group.name: _group(verdict) for verdict in found.groups},
    }


def _pods(demand: Demand) -> str:
    count = f"{demand.least}" if demand.least == demand.most else f"{demand.least} to {demand.most}"
    return f"{count} {'pod' if count == '1' else 'pods'}"


def _pool(verdict: PoolVerdict) -> dict[str, Any]:
    if not verdict.accepted:
        return {"accepts": False, "reasons": list(verdict.reasons)}
    first = verdict.options[0]
    return {
        "accepts": True,
        "type": first.name,
        "price": first.price(verdict.requirements),
        "others": len(verdict.options) - 1,
        "zones": list(verdict.zones),
        "capacity": list(verdict.capacity_types),
    }


def _group(verdict: GroupVerdict) -> dict[str, Any]:
    if not verdict.accepted:
        return {"accepts": False, "reasons": list(verdict.reasons)}
    return {"accepts": True, "type": verdict.group.instance_types[0], "nodes": verdict.nodes}
