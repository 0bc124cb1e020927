"""What the nodes cost that pods ask for, at every scale, by pool and by model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from modelyard.costing.amounts import NOTHING, Amount, Scale, known, together
from modelyard.costing.platform import instance_price
from modelyard.costing.prices import FREE_IOPS, FREE_THROUGHPUT, service_prices
from modelyard.placement import (
    SPOT,
    Demand,
    Fleet,
    FleetNode,
    demand_by_template,
    placements,
    scales,
)
from modelyard.view import ACCELERATORS, Environment, Pool, quantity

GIB = 2**30

SPOT_LEAST = 0.1
"""Lower end of a spot price as a share of the on-demand price; the upper end is the on-demand price itself."""

SPOT_SOURCE = "AWS: spot capacity is up to 90 % below the on-demand price; the price of the day is not in the data"


@dataclass(frozen=True, slots=True)
class Owner:
    """What nodes are for.

    Attributes:
        name: A model, or the pool's other pods.
        pool: The pool.
        nodes: Nodes and types at full scale, in words, such as `2 x g6.xlarge`.
        cost: What its share of the nodes costs.
    """

    name: str
    pool: str
    nodes: str
    cost: Scale


@dataclass(frozen=True, slots=True)
class PoolCost:
    """What one pool costs.

    Attributes:
        name: The pool.
        nodes: Nodes at the floor, at full scale and while rolling.
        cost: What they cost.
    """

    name: str
    nodes: tuple[int, int, int]
    cost: Scale


@dataclass(frozen=True, slots=True)
class NodeCosts:
    """What the nodes of an environment cost.

    Attributes:
        pools: By pool.
        models: By model, in order of name.
        others: Pods that are no model's, by pool.
        gaps: What is in none of the figures, subject and reason.
        sources: Where the prices of the instance types were read.
    """

    pools: tuple[PoolCost, ...] = ()
    models: tuple[Owner, ...] = ()
    others: tuple[Owner, ...] = ()
    gaps: tuple[tuple[str, str], ...] = ()
    sources: Mapping[str, str] | None = None


def node_costs(environment: Environment) -> NodeCosts:
    """Return what the nodes cost that the pods of an environment ask for.

    The pods are put on nodes as Karpenter does, each node the cheapest that it may be, three times: as few pods as the
    workloads are allowed, as many, and as many with what a rollout of every workload would add. Pods of Jobs and of
    CronJobs are not there all month and left out: `costing.runs` says what a run costs.

    Args:
        environment: The environment.
    """
    found = scales(environment).steady
    gaps: list[tuple[str, str]] = [(str(subject), reason) for subject, reason in found.cluster.gaps]
    gaps += _unplaced(environment)
    if not found.wanted:
        return NodeCosts(gaps=tuple(gaps))
    region = str(environment.facts.get("region") or "")
    fleets = (found.least, found.most, found.rolling)
    gaps += _left(fleets)
    models = {model.application.name for model in (*environment.models, *environment.offline_models)}
    return _summed(fleets, models, region, disk_costs(environment), gaps)


def disk_costs(environment: Environment) -> dict[str, Amount]:
    """Return what the volumes of one node cost, by pool."""
    region = str(environment.facts.get("region") or "")
    return {pool.name: _disks(pool, region) for pool in environment.pools}


def fleet_price(placed: Fleet, region: str, disks: Mapping[str, Amount]) -> Amount:
    """Return what nodes cost an hour."""
    sources: dict[str, str] = {}
    return together(_node_price(node, region, disks, sources) for node in placed.nodes)


def _unplaced(environment: Environment) -> Iterator[tuple[str, str]]:
    """Yield pods with devices that are on no node of a pool, and why."""
    demand_of = demand_by_template(environment)
    for placement in placements(environment):
        demand = demand_of.get(placement.template)
        if demand is None or placement.accepting or placement.taking:
            continue
        if demand.most and _asks_for_devices(demand):
            yield str(demand.workload), placement.unknown or "no node pool takes its pods"


def _asks_for_devices(demand: Demand) -> bool:
    return any(resource in demand.template.accelerators for resource in ACCELERATORS)


def _left(fleets: Iterable[Fleet]) -> list[tuple[str, str]]:
    told: dict[tuple[str, str], None] = {}
    for each, when in zip(fleets, ("at the least", "at full scale", "while rolling"), strict=True):
        if each.unknown:
            told["nodes", each.unknown] = None
        for demand in each.left:
            told[str(demand.workload), f"some of its pods find no node {when}"] = None
    return list(told)


def _summed(
    fleets: tuple[Fleet, Fleet, Fleet],
    models: set[str],
    region: str,
    disks: Mapping[str, Amount],
    gaps: list[tuple[str, str]],
) -> NodeCosts:
    by_pool: list[dict[str, Amount]] = [defaultdict(lambda: NOTHING) for _ in fleets]
    counts: list[dict[str, int]] = [defaultdict(int) for _ in fleets]
    by_owner: list[dict[tuple[str, str], Amount]] = [defaultdict(lambda: NOTHING) for _ in fleets]
    kinds: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    sources: dict[str, str] = {}
    for at, each in enumerate(fleets):
        for node in each.nodes:
            price = _node_price(node, region, disks, sources)
            pool = node.template.pool.name
            by_pool[at][pool] += price
            counts[at][pool] += 1
            for owner, share in _shares(node, models).items():
                by_owner[at][owner, pool] += price.times(share)
                if at == 1:
                    kinds[owner, pool][node.option.name] += share
    owners = [
        Owner(
            name,
            pool,
            ", ".join(f"{count:.3g} x {kind}" for kind, count in kinds[name, pool].items()),
            Scale(*(part[name, pool] for part in by_owner)),
        )
        for name, pool in sorted({key for part in by_owner for key in part})
    ]
    pools = tuple(
        PoolCost(name, (counts[0][name], counts[1][name], counts[2][name]), Scale(*(part[name] for part in by_pool)))
        for name in sorted({name for part in by_pool for name in part})
    )
    return NodeCosts(
        pools,
        tuple(owner for owner in owners if owner.name in models),
        tuple(owner for owner in owners if owner.name not in models),
        tuple(dict.fromkeys(gaps)),
        sources,
    )


OTHERS = "other pods"


def _shares(node: FleetNode, models: set[str]) -> dict[str, float]:
    """Return who shares a node, and how: by devices where some pod has any, else by pods."""
    weights: dict[str, float] = defaultdict(float)
    devices = [sum(demand.template.accelerators.values()) for demand in node.pods]
    for demand, count in zip(node.pods, devices, strict=True):
        name = demand.workload.manifest.application
        weights[name if name in models else OTHERS] += count if any(devices) else 1
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items() if weight} if whole else {OTHERS: 1.0}


def _node_price(node: FleetNode, region: str, disks: Mapping[str, Amount], sources: dict[str, str]) -> Amount:
    found = instance_price(node.option.name, region)
    sources[node.option.name] = f"{found.status.value}: {found.source}"
    instance = known(found.usd_per_hour, node.option.name)
    if node.capacity_type == SPOT and instance.complete:
        instance = Amount(instance.low * SPOT_LEAST, instance.high)
        sources[f"{node.option.name}, spot"] = SPOT_SOURCE
    return instance + disks.get(node.template.pool.name, NOTHING)


def _disks(pool: Pool, region: str) -> Amount:
    """Return what the volumes of one node of a pool cost."""
    mappings = pool.node_class.entries("spec.blockDeviceMappings") if pool.node_class is not None else []
    if not mappings:
        return Amount(unknown=(f"volumes of pool {pool.name}, whose node class names none",))
    prices = service_prices()
    total = NOTHING
    for mapping in mappings:
        disk = mapping.get("ebs")
        size = quantity(disk.get("volumeSize")) if isinstance(disk, dict) else None
        kind = str(disk.get("volumeType") or "gp3") if isinstance(disk, dict) else "unknown"
        if size is None or kind != "gp3" or not isinstance(disk, dict):
            total += Amount(unknown=(f"{kind} volumes of pool {pool.name}",))
            continue
        for name, amount in (
            ("gp3", float(size) / GIB),
            ("gp3-iops", float(quantity(disk.get("iops")) or 0) - FREE_IOPS),
            ("gp3-throughput", float(quantity(disk.get("throughput")) or 0) - FREE_THROUGHPUT),
        ):
            total += known(prices[name].per_hour(region), f"{name} of pool {pool.name}").times(max(0.0, amount))
    return total
