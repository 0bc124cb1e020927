"""The nodes of all pods of an environment at its scales: as few as allowed, as many, and while everything rolls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from modelyard.placement.demand import Demand, demands
from modelyard.placement.fleets import Fleet, fleet
from modelyard.placement.placements import Placement, PoolCatalog, cluster, placements
from modelyard.placement.pods import PodShape
from modelyard.view import Environment, Workload

_KEPT_AS = "modelyard.placement.scales"


@dataclass(frozen=True)
class Units:
    """Pods that serve only together: groups of a LeaderWorkerSet, clusters of Ray.

    Attributes:
        workload: The workload.
        name: What one is called: `group` or `cluster`.
        pods: Pods of one.
        wanted: How many there are.
        whole: How many of them find places for all their pods.
    """

    workload: Workload
    name: str
    pods: int
    wanted: int
    whole: int


@dataclass(frozen=True)
class Scales:
    """The nodes of an environment's pods; each fleet is worked out when it is first asked for.

    Attributes:
        cluster: The pools.
        wanted: Demands that some pool takes, with where their pods can run.
    """

    cluster: PoolCatalog
    wanted: tuple[tuple[Demand, Placement], ...]

    @cached_property
    def least(self) -> Fleet:
        """Return the nodes for as few pods as the workloads are allowed."""
        return fleet(self.cluster, self.at(lambda demand: demand.least))

    @cached_property
    def most(self) -> Fleet:
        """Return the nodes for as many pods as they are allowed."""
        return fleet(self.cluster, self.at(lambda demand: demand.most))

    @cached_property
    def rolling(self) -> Fleet:
        """Return the nodes for as many, and what a rollout of every workload adds."""
        return fleet(self.cluster, self.at(lambda demand: demand.most + demand.surge))

    @property
    def named(self) -> tuple[tuple[str, Fleet], ...]:
        """Return all three with a word for each."""
        return ("at least", self.least), ("at most", self.most), ("while all roll", self.rolling)

    def at(self, count: Callable[[Demand], int]) -> list[tuple[Demand, PodShape, int]]:
        """Return the demands with how many pods there are, those without pods left out."""
        return [(demand, found.shape, pods) for demand, found in self.wanted if (pods := count(demand)) > 0]


def scales(environment: Environment) -> Scales:
    """Return the nodes of an environment's pods at its scales; worked out once for each view."""
    kept = vars(environment)
    if _KEPT_AS not in kept:
        counted = {id(each.template): each for each in demands(environment)}
        kept[_KEPT_AS] = Scales(
            cluster(environment),
            tuple(
                (counted[id(each.template)], each)
                for each in placements(environment)
                if each.accepting and not each.daemon and id(each.template) in counted
            ),
        )
    found: Scales = kept[_KEPT_AS]
    return found


def units(placed: Fleet) -> tuple[Units, ...]:
    """Return the pods of a fleet that serve only together, by workload."""
    here: Counter[int] = Counter(id(demand) for node in placed.nodes for demand in node.pods)
    left: Counter[int] = Counter(map(id, placed.left))
    of_workload: dict[int, dict[int, Demand]] = {}
    for demand in (*placed.left, *(each for node in placed.nodes for each in node.pods)):
        if demand.per_unit:
            of_workload.setdefault(id(demand.workload), {})[id(demand)] = demand
    found = []
    for parts in of_workload.values():
        first = next(iter(parts.values()))
        found.append(
            Units(
                first.workload,
                first.unit,
                sum(each.per_unit for each in parts.values()),
                # A cluster of Ray may have more workers than it needs, and has one head.
                min((here[key] + left[key]) // each.per_unit for key, each in parts.items()),
                min(here[key] // each.per_unit for key, each in parts.items()),
            )
        )
    return tuple(sorted(found, key=lambda each: str(each.workload)))
