"""Putting pods on new nodes, step by step as Karpenter's scheduler does (`Solve` in scheduling/scheduler.go).

Pods go in order of CPU and memory, largest first. Each is tried on the nodes that are about to be made, those with the
fewest pods first, then on a new node of each pool in order of weight; when none takes it, it gives up one wish and is
tried again. Pods that found no place are tried again as long as that helps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace

from modelyard.placement.instance_options import InstanceOption, launched
from modelyard.placement.labels import HOSTNAME
from modelyard.placement.pods import PodShape, Room, conflicts
from modelyard.placement.requirements import Requirements, requirement
from modelyard.placement.resources import CPU, MEMORY, NODES, Resources, fits, total
from modelyard.placement.templates import (
    NodeTemplate,
    admitted,
    lacking_values,
    roomy,
    untolerated,
)
from modelyard.placement.topology import Topology


@dataclass(eq=False)
class Node:
    """A node that Karpenter would make.

    Attributes:
        template: Its pool.
        requirements: Labels that it must have.
        options: Instance types that it may be.
        requests: What its pods ask for, DaemonSets apart.
        pods: Numbers of its pods.
        host_ports: Ports that its pods take.
        refused: What it had no room for, and never will.
        counted: Instance types of which the largest was counted against the pool's limits.
    """

    template: NodeTemplate
    requirements: Requirements
    options: tuple[InstanceOption, ...]
    requests: Resources = field(default_factory=dict)
    pods: list[int] = field(default_factory=list)
    host_ports: tuple[tuple[str, int, str], ...] = ()
    refused: set[Room] = field(default_factory=set)
    counted: tuple[InstanceOption, ...] = ()

    def copy(self) -> Node:
        """Return the node with pods of its own."""
        return replace(self, pods=list(self.pods), refused=set(self.refused))

    @property
    def launched(self) -> list[InstanceOption]:
        """Return the types that EC2 is asked for, cheapest first.

        Each must have room for the pods beside what the DaemonSets need at least on any of the types.
        """
        needed = total((self.requests, least_overhead(self.template, self.options)))
        return launched([each for each in self.options if fits(needed, each.allocatable)], self.requirements)


@dataclass(slots=True)
class Solution:
    """Where the pods of one batch go.

    Attributes:
        nodes: The nodes that are made.
        left: Numbers of the pods that found no place.
    """

    nodes: list[Node]
    left: list[int]


class Scheduler:
    """One cluster without nodes.

    Args:
        templates: The pools in Karpenter's order.
        limits: What each pool may still start, by pool; those of the pools where it is left out.
    """

    def __init__(self, templates: Sequence[NodeTemplate], limits: Mapping[str, Resources] | None = None) -> None:
        self.templates = [each for each in templates if each.options]
        self.topology = Topology(templates)
        self.remaining = {
            each.pool.name: dict(each.pool.limits if limits is None else limits.get(each.pool.name, each.pool.limits))
            for each in self.templates
        }
        self.nodes: list[Node] = []
        self.tolerates_preferences = any(
            taint.effect == "PreferNoSchedule" for each in templates for taint in each.pool.taints
        )
        self._made = 0

    def copy(self) -> Scheduler:
        """Return the cluster as it is now; what comes to one does not come to the other."""
        made = copy(self)
        made.topology = self.topology.copy()
        made.remaining = {pool: dict(resources) for pool, resources in self.remaining.items()}
        made.nodes = [node.copy() for node in self.nodes]
        return made

    def solve(self, pods: Sequence[PodShape]) -> Solution:
        """Return where pods go; they are numbered by their place in the sequence."""
        wanted = [number for number, pod in enumerate(pods) if not pod.ignored and not pod.claims]
        for number in wanted:
            self.topology.update(number, pods[number])
        solution = self.again(wanted, pods)
        placed = set(wanted) - set(solution.left)
        return Solution(self.nodes, [number for number in range(len(pods)) if number not in placed])

    def again(self, wanted: Sequence[int], pods: Sequence[PodShape]) -> Solution:
        """Return where pods go that found no place before, given by their numbers."""
        queue = deque(sorted(wanted, key=lambda number: _order(pods[number])))
        last: dict[int, int] = {}
        while queue and last.get(queue[0]) != len(queue):
            number = queue.popleft()
            if self._place(number, pods[number]):
                continue
            self.topology.update(number, pods[number])
            queue.append(number)
            last[number] = len(queue)
        return Solution(self.nodes, sorted(queue))

    def _place(self, number: int, pod: PodShape) -> bool:
        for stage in pod.stages(self.tolerates_preferences):
            if stage is not pod:
                self.topology.update(number, stage)
            if self._add(number, stage):
                return True
        return False

    def takes(self, number: int, pod: PodShape) -> bool:
        """Return whether a pod finds a place; it is not put there."""
        for stage in pod.stages(self.tolerates_preferences):
            self.topology.update(number, stage)
            for node in self.nodes:
                if _has_room(node, stage) and self.added(node, number, stage):
                    return True
            for template in self.templates:
                options = within(template.options, self.remaining[template.pool.name])
                host = [requirement(HOSTNAME, "In", ("node-new",))]
                if options and self.added(Node(template, template.requirements.narrowed(host), options), number, stage):
                    return True
        return False

    def _add(self, number: int, pod: PodShape) -> bool:
        self.nodes.sort(key=lambda node: len(node.pods))
        joined = any(self.joins(node, number, pod) for node in self.nodes)
        return joined or any(self._start(template, number, pod) for template in self.templates)

    def joins(self, node: Node, number: int, pod: PodShape) -> bool:
        """Put a pod on a node that is about to be made; return whether it takes it."""
        if not _has_room(node, pod):
            return False
        found = self.added(node, number, pod)
        if found is None:
            return False
        self._commit(node, number, pod, *found)
        return True

    def _start(self, template: NodeTemplate, number: int, pod: PodShape) -> bool:
        remaining = self.remaining[template.pool.name]
        options = within(template.options, remaining)
        if not options:
            return False
        self._made += 1
        name = f"node-{self._made:06d}"
        fresh = Node(template, template.requirements.narrowed([requirement(HOSTNAME, "In", (name,))]), options)
        found = self.added(fresh, number, pod)
        if found is None:
            return False
        self.topology.register_host(name)
        self._commit(fresh, number, pod, *found)
        self.nodes.append(fresh)
        # Any of the types may come, so the largest is counted.
        fresh.counted = fresh.options
        for resource in remaining:
            remaining[resource] -= max(option.capacity.get(resource, 0) for option in fresh.options)
        return True

    def added(self, node: Node, number: int, pod: PodShape) -> tuple[Requirements, tuple[InstanceOption, ...]] | None:
        """Return requirements and types of a node with one more pod, None where it cannot take it."""
        taints = node.template.pool.taints
        if untolerated(taints, pod) or not node.requirements.compatible(pod.requirements):
            return None
        base = node.requirements.narrowed(pod.requirements)
        asked = total((node.requests, pod.requests))
        for volume in pod.volumes or (None,):
            with_volume = base
            if volume is not None:
                if not base.compatible(volume):
                    continue
                with_volume = base.narrowed(volume)
            for narrowing in self.topology.narrowings(number, pod, taints, with_volume):
                wanted = Requirements(narrowing)
                if not with_volume.compatible(wanted):
                    continue
                after = with_volume.narrowed(wanted)
                options = roomy(node.template.groups, admitted(node.options, node.requirements, after), pod, asked)
                if options and not lacking_values(options, after):
                    return after, tuple(options)
        return None

    def _commit(
        self, node: Node, number: int, pod: PodShape, requirements: Requirements, options: tuple[InstanceOption, ...]
    ) -> None:
        node.pods.append(number)
        node.options = options
        node.requests = total((node.requests, pod.requests))
        node.requirements = requirements
        node.host_ports += pod.host_ports
        self.topology.record(number, pod, node.template.pool.taints, requirements)


def within(options: Iterable[InstanceOption], remaining: Resources) -> tuple[InstanceOption, ...]:
    """Return the options that a pool may still start."""
    if NODES in remaining and remaining[NODES] == 0:
        return ()
    return tuple(
        option
        for option in options
        if all(option.capacity.get(resource, 0) <= rest for resource, rest in remaining.items())
    )


def least_overhead(template: NodeTemplate, options: Iterable[InstanceOption]) -> Resources:
    """Return what the DaemonSets ask for on every one of the types (`addDaemonRequests` in scheduling/nodeclaim.go)."""
    remaining = {option.name for option in options}
    found: Resources = {}
    for group in template.groups:
        if remaining.isdisjoint(option.name for option in group.options):
            continue
        if found:
            found = {name: min(value, group.overhead[name]) for name, value in found.items() if name in group.overhead}
        else:
            found = dict(group.overhead)
    return found


def _has_room(node: Node, pod: PodShape) -> bool:
    """Return whether some type that the node may be has room for a pod; a node only ever gets fuller."""
    if pod.room in node.refused or conflicts(pod.host_ports, node.host_ports):
        return False
    if roomy(node.template.groups, node.options, pod, total((node.requests, pod.requests))):
        return True
    node.refused.add(pod.room)
    return False


def _order(pod: PodShape) -> tuple[int, int]:
    return -pod.requests.get(CPU, 0), -pod.requests.get(MEMORY, 0)
