"""The nodes that an environment's pods need together, against the limits of its pools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from modelyard.placement.capacity import NVIDIA
from modelyard.placement.demand import Demand
from modelyard.placement.instance_options import InstanceOption
from modelyard.placement.labels import CAPACITY_TYPE, HOSTNAME, INSTANCE_TYPE, ZONE
from modelyard.placement.placements import PoolCatalog
from modelyard.placement.pods import PodShape
from modelyard.placement.requirements import requirement
from modelyard.placement.resources import NODES, THOUSAND, Resources, total
from modelyard.placement.scheduling import Node, Scheduler
from modelyard.placement.templates import NodeTemplate, untolerated
from modelyard.placement.topology import Topology

_MOST_PODS = 5_000
_MOST_ROUNDS = 50
_VISITOR = -1
"""Number of a pod that is tried and not placed."""


@dataclass(frozen=True)
class FleetNode:
    """A node that would run.

    Attributes:
        template: Its pool.
        option: Its instance type: the cheapest that Karpenter may choose.
        capacity_type: How it is had; the dearer where both are possible is not looked at.
        pods: The pod templates of its pods, one entry a pod.
    """

    template: NodeTemplate
    option: InstanceOption
    capacity_type: str
    pods: tuple[Demand, ...]


@dataclass(frozen=True)
class Fleet:
    """The nodes for a number of pods.

    Attributes:
        nodes: The nodes.
        left: Pods that find no place, by their demand.
        unknown: Why it was not worked out; empty when it was.
    """

    nodes: tuple[FleetNode, ...] = ()
    left: tuple[Demand, ...] = ()
    unknown: str = ""
    growing: _FleetBuilder | None = field(default=None, compare=False, repr=False)

    def used(self, pool: str) -> Resources:
        """Return what the nodes of a pool have together, and their number."""
        own = [each for each in self.nodes if each.template.pool.name == pool]
        return {**total(each.option.capacity for each in own), NODES: len(own) * THOUSAND}

    def takes(self, pod: PodShape) -> bool:
        """Return whether one more pod finds a place beside all these."""
        if self.growing is None:
            return True
        scheduler = self.growing.scheduler
        scheduler.topology.update(_VISITOR, pod)
        return scheduler.takes(_VISITOR, pod)

    def beside(self, wanted: Sequence[tuple[Demand, PodShape, int]]) -> Fleet:
        """Return the nodes when more pods come, and those that are there stay where they are.

        Args:
            wanted: Demands with the shape of their pods and how many more there are.
        """
        return self if self.growing is None else _grown(self.growing.copy(), wanted)


def fleet(cluster: PoolCatalog, wanted: Sequence[tuple[Demand, PodShape, int]], *, limited: bool = True) -> Fleet:
    """Return the nodes for pods that come one workload after another, as commits bring them.

    A workload's pods take what room there is, then new nodes, each of which becomes the cheapest type that it may be.
    Pods that come all at once would share larger nodes instead.

    Args:
        cluster: The pools.
        wanted: Demands with the shape of their pods and how many there are.
        limited: Whether the limits of the pools count.
    """
    limits: dict[str, Resources] | None = None if limited else {each.pool.name: {} for each in cluster.templates}
    return _grown(_FleetBuilder(Scheduler(cluster.templates, limits)), wanted)


def _grown(growing: _FleetBuilder, wanted: Sequence[tuple[Demand, PodShape, int]]) -> Fleet:
    count = len(growing.pods) + sum(pods for _, _, pods in wanted)
    if count > _MOST_PODS:
        return Fleet(unknown=f"{count:,} pods are more than are put on nodes one by one ({_MOST_PODS:,})")
    for demand, shape, pods in wanted:
        growing.add(demand, shape, pods)
    nodes = tuple(
        FleetNode(
            node.template,
            node.options[0],
            node.options[0].offered(node.requirements)[0].capacity_type,
            tuple(growing.owners[number] for number in node.pods),
        )
        for node in growing.scheduler.nodes
    )
    return Fleet(nodes, tuple(growing.left), "", growing)


class _FleetBuilder:
    """A cluster that workloads come to one by one."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.pods: list[PodShape] = []
        self.owners: list[Demand] = []
        self.left: list[Demand] = []
        self._settled: set[Node] = set()

    def copy(self) -> _FleetBuilder:
        """Return the cluster as it is now; what comes to one does not come to the other."""
        made = _FleetBuilder(self.scheduler.copy())
        made.pods, made.owners, made.left = list(self.pods), list(self.owners), list(self.left)
        made._settled = set(made.scheduler.nodes)  # every node is, once its workload has come
        return made

    def add(self, demand: Demand, shape: PodShape, count: int) -> None:
        """Let the pods of a workload come."""
        numbers = list(range(len(self.pods), len(self.pods) + count))
        self.pods += [shape] * count
        self.owners += [demand] * count
        for number in numbers:
            self.scheduler.topology.update(number, shape)
        # A node has the shares of its GPUs only when it is ready; pods that share come one after another, so that the
        # nodes are those that stay when the empty ones of a burst are gone.
        batches = [[number] for number in numbers] if self._may_share(shape) else [numbers]
        self.left += [demand] * sum(self._place(batch) for batch in batches)

    def _place(self, numbers: list[int]) -> int:
        """Place pods; return how many find no place."""
        left = numbers
        for _ in range(_MOST_ROUNDS):
            left = self.scheduler.again(numbers, self.pods).left
            self._settle()
            if not left or len(left) == len(numbers):
                break
            # Within a round Karpenter counts the largest type that a node may become against the limits.
            numbers = left
        return len(left)

    def _may_share(self, shape: PodShape) -> bool:
        return NVIDIA in shape.requests and any(
            template.sharing.strategy and not untolerated(template.pool.taints, shape)
            for template in self.scheduler.templates
        )

    def _settle(self) -> None:
        """Let every new node become what it is, and count limits and domains by that."""
        fresh = [node for node in self.scheduler.nodes if node not in self._settled]
        for node in fresh:
            _become(node)
            self._settled.add(node)
            remaining = self.scheduler.remaining[node.template.pool.name]
            for name in remaining:
                counted = max(option.capacity.get(name, 0) for option in node.counted)
                has = THOUSAND if name == NODES else node.options[0].capacity.get(name, 0)
                remaining[name] += counted - has
        if fresh and self.scheduler.topology.has_zones:
            self.scheduler.topology = _counted(self.scheduler, self.pods)


def _become(node: Node) -> None:
    option = (node.launched or list(node.options))[0]
    offering = min(
        option.offered(node.requirements),
        key=lambda each: (each.price is None, each.price or 0.0, each.zone, each.capacity_type),
    )
    node.template = node.template.registered(option)
    node.options = node.template.options if node.template.options[0].shares > 1 else (option,)
    node.requirements = node.requirements.narrowed(
        [
            requirement(INSTANCE_TYPE, "In", (option.name,)),
            requirement(ZONE, "In", (offering.zone,)),
            requirement(CAPACITY_TYPE, "In", (offering.capacity_type,)),
        ]
    )
    node.refused.clear()


def _counted(scheduler: Scheduler, pods: Sequence[PodShape]) -> Topology:
    made = Topology(scheduler.topology.templates)
    for number, pod in enumerate(pods):
        made.update(number, pod)
    for node in scheduler.nodes:
        for value in node.requirements.get(HOSTNAME).values:
            made.register_host(value)
        for number in node.pods:
            made.record(number, pods[number], node.template.pool.taints, node.requirements)
    return made


Count = Callable[[Demand], int]


def scale(demands: Iterable[tuple[Demand, PodShape]], count: Count) -> list[tuple[Demand, PodShape, int]]:
    """Return demands with how many pods there are at a scale, those without pods left out."""
    return [(demand, shape, pods) for demand, shape in demands if (pods := count(demand)) > 0]
