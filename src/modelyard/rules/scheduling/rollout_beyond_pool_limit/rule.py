"""Rollouts that wait for a pod which no pool has room for."""

from collections.abc import Iterator

from modelyard.cluster import Environment
from modelyard.findings import Finding, NotChecked, warning
from modelyard.placement import Demand, Placement, Scales, scales, written
from modelyard.rules import rule
from modelyard.rules.wording import both


@rule("scheduling/rollout-beyond-pool-limit", warning, since="0.1.0")
def rollout_beyond_pool_limit(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A rollout that keeps every old pod until a new one is ready stands still when the pool's limit leaves no room."""
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
    left = {id(demand.workload) for demand in running.left}
    told: set[int] = set()
    for demand, at in waiting:
        # Pods that have no place to begin with are told by another rule.
        if id(demand.workload) in left or id(demand.workload) in told or _goes_on(found, demand, at):
            continue
        told.add(id(demand.workload))
        yield _finding(demand, at, {each.pool: running.used(each.pool) for each in at.accepting})


def _goes_on(found: Scales, demand: Demand, at: Placement) -> bool:
    """Return whether a rollout finds room for what it waits for: a pod, or a whole group or cluster beside the first."""
    if not demand.unit:
        return found.least.takes(at.shape)
    rolled = found.fleet(
        lambda each: each.least + (each.surge_at_least if each.workload is demand.workload else 0)
    )
    return all(each.workload is not demand.workload for each in rolled.left)


def _finding(demand: Demand, found: Placement, used: dict[str, dict[str, int]]) -> Finding:
    shown = []
    for verdict in found.accepting:
        for name, limit in sorted(verdict.template.pool.limits.items()):
            smallest = min(option.capacity.get(name, 0) for option in verdict.options)
            if smallest > limit - used[verdict.pool].get(name, 0):
                shown.append(
                    f"{verdict.pool} holds {written(name, used[verdict.pool].get(name, 0))} of {limit // 1000:g}"
                )
    thing = demand.workload.thing
    return Finding(
        at=thing.at("spec.strategy.rollingUpdate.maxSurge" if thing.kind == "Deployment" else "spec"),
        message=f"a rollout of {thing} waits for one more {demand.unit or 'pod'}, and {both(shown) or 'no node pool'} "
        f"{'leave' if len(shown) > 1 else 'leaves'} no room for its node",
        fix="raise the limit by one node, or let a rollout take an old pod away first: maxSurge 0, maxUnavailable 1",
    )
