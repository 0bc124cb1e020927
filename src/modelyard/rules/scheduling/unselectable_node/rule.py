"""Pods that ask for nodes which no pool makes."""

from collections.abc import Iterable, Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import SPOT, placements
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.rules.remedies import bring_pool
from modelyard.rules.wording import both, nearest, one_of
from modelyard.view import (
    OF_AUTO_MODE,
    Environment,
    NodeRequirement,
    PodTemplate,
    Pool,
    admits,
    alternatives,
    listed,
    recorded_answers,
    selected_pools,
)

_POOL, _CAPACITY = "karpenter.sh/nodepool", "karpenter.sh/capacity-type"
# Labels that EKS puts on nodes of managed groups, which Terraform makes; not those of Auto Mode, which pools make.
_NOT_OF_POOLS = ("eks.amazonaws.com/", "alpha.eksctl.io/")


@rule("scheduling/unselectable-node", error, since="0.1.0", absence="cluster")
def unselectable_node(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A pod that requires labels which no node pool provides stays Pending."""
    pools = environment.pools
    for found in placements(environment) if pools else ():
        template, groups = found.template, alternatives(found.template)
        if selected_pools(template, pools) or any(_elsewhere(demand) for group in groups for demand in group):
            continue
        # A managed node group takes them, or no pool ever would: Karpenter leaves pods with claims alone.
        if any(each.accepted for each in found.groups) or (found.shape.claims and not found.verdicts):
            continue
        impossible = [demand for demand in groups[0] if not any(admits(pool, demand) for pool in pools)]
        demand = impossible[0] if impossible else _odd_one(groups[0], pools)
        if _meant_for_none(environment, template, demand):
            continue
        fix = _fix(demand, [p for p in pools if _otherwise(p, groups[0], demand)] or list(pools))
        command = _command(environment, demand)
        yield Finding(
            at=template.at(*_value(demand)),
            message=_message(template, demand, groups[0], pools, alone=bool(impossible)),
            fix=f"add the pool with {command}, or {fix}" if command else fix,
        )


def _elsewhere(demand: NodeRequirement) -> bool:
    return demand.key.startswith(_NOT_OF_POOLS) and not demand.key.startswith(OF_AUTO_MODE)


def _meant_for_none(environment: Environment, template: PodTemplate, demand: NodeRequirement) -> bool:
    """Return whether a DaemonSet of a chart is for nodes that are not there: it has no pods then, and none is Pending.

    What is spelt nearly like something that a pool has is meant for that pool.
    """
    if template.manifest.kind != "DaemonSet" or environment.is_ours(template.manifest):
        return False
    offered = _offered(environment.pools, demand)
    if offered:
        return not demand.values or not nearest(demand.values[0], offered)
    names = {key.rpartition("/")[2] for key in _keys(environment.pools)}
    return not nearest(demand.key.rpartition("/")[2], names)


def _value(demand: NodeRequirement) -> Path:
    return demand.path if demand.path[0] == "nodeSelector" else (*demand.path, "values")


def _message(
    template: PodTemplate,
    demand: NodeRequirement,
    group: tuple[NodeRequirement, ...],
    pools: Iterable[Pool],
    *,
    alone: bool,
) -> str:
    if alone:
        return f"{template} require {demand}, which no node pool offers"
    others = [pool.name for pool in pools if _otherwise(pool, group, demand)]
    if others:
        lacking = "does" if len(others) == 1 else "do"
        return f"{template} require {demand}, which {both(others)} {lacking} not offer, and no other pool has the rest"
    return f"{template} require {demand} together with more than any one node pool offers"


def _odd_one(group: tuple[NodeRequirement, ...], pools: Iterable[Pool]) -> NodeRequirement:
    """Return the demand without which some pool would do; a pool that is named is meant, and others yield to it."""
    found = [each for each in group if any(_otherwise(pool, group, each) for pool in pools)]
    return min(found or group[-1:], key=lambda each: each.key == _POOL)


def _otherwise(pool: Pool, group: tuple[NodeRequirement, ...], demand: NodeRequirement) -> bool:
    """Return whether a pool meets every demand but one."""
    return all(admits(pool, each) for each in group if each is not demand)


def _fix(demand: NodeRequirement, pools: list[Pool]) -> str:
    offered = _offered(pools, demand)
    if offered:
        near = nearest(demand.values[0], offered) if demand.values else ""
        return f"name {near}" if near else f"name {one_of(offered)}"
    near = nearest(demand.key, _keys(pools))
    return f"use the label {near}" if near else f"add the label {demand.key} to a node pool, or select by another one"


def _offered(pools: Iterable[Pool], demand: NodeRequirement) -> set[str]:
    """Return the values that pools give to the label that is demanded."""
    if demand.key == _POOL:
        return {pool.name for pool in pools}
    offered = {str(pool.labels[demand.key]) for pool in pools if demand.key in pool.labels}
    for pool in pools:
        for each in pool.requirements:
            if each.get("key") == demand.key and each.get("operator") == "In":
                offered.update(str(value) for value in listed(each, "values"))
    return offered


def _keys(pools: Iterable[Pool]) -> set[str]:
    return {key for pool in pools for key in pool.labels} | {
        str(each.get("key")) for pool in pools for each in pool.requirements
    }


def _command(environment: Environment, demand: NodeRequirement) -> str:
    """Return what brings what the environment has not asked for: a pool, Spot; empty where nothing is known to."""
    if demand.key == _CAPACITY and demand.values == (SPOT,):
        recorded = recorded_answers(environment.repository.files, environment.folder.path)
        asked = recorded.get("spot_capacity") is False
        return f"modelyard update --env {environment.name} --set spot_capacity=true" if asked else ""
    if demand.key != _POOL or len(demand.values) != 1 or demand.values[0] in {pool.name for pool in environment.pools}:
        return ""
    return bring_pool(environment, demand.values[0])
