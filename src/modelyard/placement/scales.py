"""The nodes of all pods of an environment at its scales: as few as allowed, as many, and while everything rolls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from modelyard.placement.demand import Demand, demand_by_template, is_run
from modelyard.placement.fleets import Fleet, fleet
from modelyard.placement.placements import Placement, PoolCatalog, cluster, placements
from modelyard.placement.pods import PodShape
from modelyard.repository import derived
from modelyard.view import Environment, Workload


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

    @cached_property
    def steady(self) -> Scales:
        """Return the same without pods of Jobs and CronJobs, which are not there all month."""
        return Scales(self.cluster, tuple(each for each in self.wanted if not is_run(each[0])))

    @property
    def named(self) -> tuple[tuple[str, Fleet], ...]:
        """Return all three with a word for each."""
        return ("at least", self.least), ("at most", self.most), ("while all roll", self.rolling)

    def at(self, count: Callable[[Demand], int]) -> list[tuple[Demand, PodShape, int]]:
        """Return the demands with how many pods there are, those without pods left out."""
        return [(demand, found.shape, pods) for demand, found in self.wanted if (pods := count(demand)) > 0]


@derived
def scales(environment: Environment) -> Scales:
    """Return the nodes of an environment's pods at its scales."""
    demand_of = demand_by_template(environment)
    return Scales(
        cluster(environment),
        tuple(
            (demand_of[each.template], each)
            for each in placements(environment)
            if each.accepting and not each.daemon and each.template in demand_of
        ),
    )


def units(placed: Fleet) -> tuple[Units, ...]:
    """Return the pods of a fleet that serve only together, by workload."""
    here = Counter(demand for node in placed.nodes for demand in node.pods)
    left = Counter(placed.left)
    parts_of: dict[Workload, dict[Demand, None]] = {}
    for demand in (*left, *here):
        if demand.per_unit:
            parts_of.setdefault(demand.workload, {})[demand] = None
    together = [
        Units(
            workload,
            next(iter(parts)).unit,
            sum(each.per_unit for each in parts),
            # A cluster of Ray may have more workers than it needs, and has one head.
            min((here[each] + left[each]) // each.per_unit for each in parts),
            min(here[each] // each.per_unit for each in parts),
        )
        for workload, parts in parts_of.items()
    ]
    return tuple(sorted(together, key=lambda each: str(each.workload)))
