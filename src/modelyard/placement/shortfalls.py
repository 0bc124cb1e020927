"""Pods that find no place beside the others, and which limit of which pool is in their way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from modelyard.placement.demand import Demand
from modelyard.placement.fleets import Fleet, fleet
from modelyard.placement.placements import Placement
from modelyard.placement.scales import Scales


@dataclass(frozen=True)
class Remainder:
    """Pods of one workload that find no place.

    Attributes:
        demand: Their demand.
        placement: Where they could run if they were alone.
        pods: How many of them find no place.
        wanted: How many of them there are.
    """

    demand: Demand
    placement: Placement
    pods: int
    wanted: int


@dataclass(frozen=True)
class Shortfall:
    """What keeps pods without a place.

    Attributes:
        remainders: The pods.
        pool: The pool whose limit is in the way; empty where it is what pods require of each other.
        resource: The resource that the pool limits.
        limit: The most that its nodes may have together, in thousandths.
        needed: What its nodes would have together without limits, in thousandths.
        by_order: Whether all pods find a place when those with most devices come first.
    """

    remainders: tuple[Remainder, ...]
    pool: str = ""
    resource: str = ""
    limit: int = 0
    needed: int = 0
    by_order: bool = False

    @property
    def asked(self) -> int:
        """Return how much of the resource the pods without a place ask for, in thousandths."""
        return sum(each.pods * each.placement.shape.requests.get(self.resource, 0) for each in self.remainders)


def shortfalls(scales: Scales, placed: Fleet, count: Callable[[Demand], int]) -> Iterator[Shortfall]:
    """Yield why pods of a fleet find no place; nothing where all do.

    The same pods are placed once more without limits: what then finds a place was kept out by a limit, and the pools
    that would grow beyond theirs are those in the way.

    Args:
        scales: The demands and where their pods can run.
        placed: The fleet at some scale.
        count: How many pods of a demand there are at that scale.
    """
    if not placed.left:
        return
    wanted = scales.at(count)
    free = fleet(scales.cluster, wanted, limited=False)
    alone = Counter(free.left)
    left = Counter(placed.left)
    placement_of = dict(scales.wanted)
    remainders = [Remainder(demand, placement_of[demand], pods, count(demand)) for demand, pods in left.items() if pods]
    kept_out = [each for each in remainders if left[each.demand] > alone[each.demand]]
    by_order = bool(kept_out) and not _devices_first(scales, count).left
    reported: set[Demand] = set()
    for template in scales.cluster.templates:
        concerned = tuple(each for each in kept_out if _accepts(each, template.pool.name))
        used = free.used(template.pool.name)
        for resource, limit in sorted(template.pool.limits.items(), key=lambda each: ("/" not in each[0], each)):
            if concerned and used.get(resource, 0) > limit:
                reported |= {each.demand for each in concerned}
                yield Shortfall(concerned, template.pool.name, resource, limit, used[resource], by_order)
                break  # a limit on devices says it for what comes with them
    # Together they stay within every limit, or it is no limit that keeps them out.
    if others := tuple(each for each in remainders if each.demand not in reported):
        yield Shortfall(others)


def _accepts(each: Remainder, pool: str) -> bool:
    return any(verdict.pool == pool for verdict in each.placement.accepting)


def _devices_first(scales: Scales, count: Callable[[Demand], int]) -> Fleet:
    def devices(entry: tuple[Demand, object, int]) -> int:
        return -sum(entry[0].template.accelerators.values())

    return fleet(scales.cluster, sorted(scales.at(count), key=devices))
