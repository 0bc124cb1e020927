"""Rollouts that wait for a pod which no pool has room for."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.placement import Demand, Placement, Scales, scales, written
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Environment, Workload

_SURGE = {
    "Deployment": "spec.strategy.rollingUpdate.maxSurge",
    "LeaderWorkerSet": "spec.rolloutStrategy.rollingUpdateConfiguration.maxSurge",
}
_FIXES = {
    "group": "leave room for a second group below the limit, or let a rollout remove an old group first: "
    "maxSurge 0, maxUnavailable 1",
    "cluster": "leave room for a second cluster below the limit: a change to its pods starts one beside the first",
}


@rule("scheduling/rollout-beyond-pool-limit", warning, since="0.1.0")
def rollout_beyond_pool_limit(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A rollout that starts a new pod before it stops an old one is stuck when the pool's limit leaves no room."""
    if not any(pool.limits for pool in environment.pools):
        return
    found = scales(environment)
    waiting = [(demand, at) for demand, at in found.wanted if demand.waits_for_surge and demand.surge_at_least]
    if not waiting:
        return
    running = found.least
    if running.unknown:
        yield NotChecked("rollouts", running.unknown)
        return
    left = {demand.workload for demand in running.left}
    told: set[Workload] = set()
    for demand, at in waiting:
        # Pods that have no place to begin with are told by another rule.
        if demand.workload not in left | told and _is_short(found, demand, at):
            told.add(demand.workload)
            yield _finding(demand, at, {each.pool: running.used(each.pool) for each in at.accepting})


def _is_short(found: Scales, demand: Demand, at: Placement) -> bool:
    """Return whether a rollout finds no room for what it waits for: a pod, or those of a group or cluster beside it."""
    if not demand.unit:
        return not found.least.takes(at.shape)
    more = [
        (each, placement.shape, each.surge_at_least)
        for each, placement in found.wanted
        if each.workload is demand.workload
    ]
    return any(each is demand for each in found.least.beside(more).left)


def _finding(demand: Demand, found: Placement, used: dict[str, dict[str, int]]) -> Finding:
    more = demand.surge_at_least if demand.unit else 1
    shown = []
    for verdict in found.accepting:
        for name, limit in sorted(verdict.template.pool.limits.items()):
            smallest = min(option.capacity.get(name, 0) for option in verdict.options)
            if smallest * more > limit - used[verdict.pool].get(name, 0):
                shown.append(
                    f"{verdict.pool} holds {written(name, used[verdict.pool].get(name, 0))} of {limit // 1000:g}"
                )
    manifest = demand.workload.manifest
    nodes = "its node" if more == 1 else f"the nodes of its {more} pods"
    return Finding(
        at=manifest.at(_SURGE.get(manifest.kind, "spec")),
        message=f"a rollout of {manifest} needs one more {demand.unit or 'pod'}, but there is no room for {nodes}"
        + (f" ({both(shown)})" if shown else ""),
        fix=_FIXES.get(
            demand.unit,
            "raise the limit by one node, or let a rollout stop an old pod first: maxSurge 0, maxUnavailable 1",
        ),
    )
