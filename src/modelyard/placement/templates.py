"""Node pools as templates of nodes: what every node of a pool has, and which instance types it may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from modelyard.placement.instance_options import InstanceOption, admitted_by_name, concerns_offerings
from modelyard.placement.labels import (
    AUTO_MODE_NODE_CLASS,
    COMPUTE_TYPE,
    NODE_CLASS,
    OF_AUTO_MODE_TYPES,
    OF_INSTANCE_TYPES,
    POOL,
)
from modelyard.placement.node_classes import NodeClass
from modelyard.placement.pods import TOLERATE_PREFERENCES, HostPort, PodShape, conflicts
from modelyard.placement.requirements import Requirement, Requirements, expressions, label_requirements, requirement
from modelyard.placement.resources import Resources, amounts, fits, total
from modelyard.placement.shares import WHOLE_DEVICES, Sharing
from modelyard.view import Taint, mapping, tolerates


@dataclass(frozen=True, eq=False)
class DaemonGroup:
    """Instance types of a pool whose nodes run the same DaemonSets.

    Attributes:
        options: The types.
        overhead: What the DaemonSets' pods ask for together.
        host_ports: Ports of the node that they take.
        names: The DaemonSets.
    """

    options: tuple[InstanceOption, ...]
    overhead: Resources
    host_ports: tuple[HostPort, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class NodePool:
    """A NodePool as written.

    Attributes:
        name: Its name.
        weight: Higher is tried first.
        labels: Labels of its nodes.
        taints: Taints of its nodes.
        requirements: What it requires of its nodes.
        limits: The most that its nodes may have together.
        static: Whether it keeps a fixed number of nodes, which Karpenter does not add to for pods.
    """

    name: str
    weight: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    requirements: Requirements = field(default_factory=Requirements)
    limits: Resources = field(default_factory=dict)
    static: bool = False


@dataclass(frozen=True, eq=False)
class NodeTemplate:
    """What a pool's new nodes may be.

    Attributes:
        pool: The pool.
        requirements: Labels of its nodes.
        options: Instance types that the pool allows and that can be got; empty where it can start no node.
        all_options: Instance types on the terms of its node class, whatever the pool allows.
        groups: The options by the DaemonSets that run on them.
        sharing: How its nodes share their GPUs among pods.
    """

    pool: NodePool
    requirements: Requirements
    options: tuple[InstanceOption, ...]
    all_options: tuple[InstanceOption, ...]
    groups: tuple[DaemonGroup, ...]
    sharing: Sharing = WHOLE_DEVICES

    def registered(self, option: InstanceOption) -> NodeTemplate:
        """Return what a node of a type is once it is ready, when each of its GPUs counts as often as it is shared.

        Until then Karpenter counts the devices that EC2 reports, and from then on what the Node says
        (`Capacity` in its pkg/controllers/state/statenode.go), against room and limits alike.
        """
        shares = self.sharing.shares(option.kind)
        if shares in (None, 1):
            return self
        if option.name not in self._registered:
            ready = replace(option, shares=shares)
            groups = (replace(group, options=(ready,)) for group in self.groups if option in group.options)
            self._registered[option.name] = replace(self, options=(ready,), groups=tuple(groups))
        return self._registered[option.name]

    @cached_property
    def _registered(self) -> dict[str, NodeTemplate]:
        return {}


def node_pool(manifest: Mapping[str, Any]) -> NodePool:
    """Return a NodePool's manifest as the scheduler reads it."""
    spec = mapping(manifest.get("spec"))
    template = mapping(spec.get("template"))
    node = mapping(template.get("spec"))
    labels = mapping(mapping(template.get("metadata")).get("labels"))
    weight = spec.get("weight")
    name = str(mapping(manifest.get("metadata")).get("name", ""))
    taints = node.get("taints")
    return NodePool(
        name=name,
        weight=weight if isinstance(weight, int) else 0,
        labels={str(key): str(value) for key, value in labels.items()},
        taints=tuple(
            Taint(str(each.get("key", "")), str(each.get("value") or ""), str(each.get("effect", "")))
            for each in (taints if isinstance(taints, list) else ())
            if isinstance(each, Mapping)
        ),
        requirements=Requirements([*expressions(node.get("requirements")), *label_requirements(labels)]),
        limits=amounts(spec.get("limits")),
        static=spec.get("replicas") is not None,
    )


def in_order(pools: Iterable[NodePool]) -> list[NodePool]:
    """Return pools in the order in which Karpenter tries them: by weight, of equal weight the later name first."""
    return sorted(sorted(pools, key=lambda pool: pool.name, reverse=True), key=lambda pool: -pool.weight)


def node_template(
    pool: NodePool,
    node_class: NodeClass,
    options: Sequence[InstanceOption],
    daemons: Sequence[tuple[str, PodShape]] = (),
    sharing: Sharing = WHOLE_DEVICES,
) -> NodeTemplate:
    """Return what a pool's nodes may be.

    Args:
        pool: The pool.
        node_class: Its node class.
        options: Instance types on the terms of that class.
        daemons: Pods of every DaemonSet, by its name.
        sharing: How its nodes share their GPUs among pods.
    """
    fixed = [
        requirement(POOL, "In", (pool.name,)),
        *_of_class(node_class),
        # Every node gets these in time, and DaemonSets may ask for them.
        requirement("karpenter.sh/registered", "In", ("true",)),
        requirement("karpenter.sh/initialized", "In", ("true",)),
    ]
    requirements = pool.requirements.narrowed(fixed)
    allowed = tuple(
        each
        for each in admitted_by_name(options, requirements)
        if each.requirements.intersects(requirements) and fits({}, each.allocatable) and each.has_offering(requirements)
    )
    if lacking_values(allowed, requirements):
        allowed = ()
    return NodeTemplate(
        pool, requirements, allowed, tuple(options), _groups(pool, requirements, allowed, daemons), sharing
    )


def _of_class(node_class: NodeClass) -> list[Requirement]:
    """Return what every node of a class has, and the labels of nodes of the other kind, which it never has."""
    if not node_class.auto_mode:
        others = OF_AUTO_MODE_TYPES
        own = [requirement(NODE_CLASS, "In", (node_class.name,))]
    else:
        others = OF_INSTANCE_TYPES
        own = [
            requirement(AUTO_MODE_NODE_CLASS, "In", (node_class.name,)),
            requirement(COMPUTE_TYPE, "In", ("auto",)),
        ]
    return own + [requirement(key, "DoesNotExist") for key in others]


def lacking_values(options: Iterable[InstanceOption], requirements: Requirements) -> dict[str, int]:
    """Return labels whose `minValues` the options do not meet, with how many values they have."""
    wanted = requirements.min_values
    if not wanted:
        return {}
    found: dict[str, set[str]] = {key: set() for key in wanted}
    for option in options:
        for key, values in found.items():
            values.update(option.requirements.get(key).values)
    return {key: len(values) for key, values in found.items() if len(values) < wanted[key]}


def untolerated(taints: Iterable[Taint], pod: PodShape) -> list[Taint]:
    """Return the taints that keep pods off a node; one that only prefers to counts until it is given up."""
    given = list(pod.tolerations)
    return [taint for taint in taints if not tolerates(given, taint)]


def admitted(
    options: Iterable[InstanceOption], before: Requirements, after: Requirements
) -> tuple[InstanceOption, ...]:
    """Return the options that still have the labels of a node whose requirements were narrowed.

    Args:
        options: Options that agree with `before`.
        before: The node's requirements so far.
        after: Its requirements with another pod on it.
    """
    changed = [each for each in after if each.key not in before or before.get(each.key) != each]
    narrower = Requirements(changed)
    offerings = concerns_offerings(each.key for each in changed)
    return tuple(
        option
        for option in options
        if option.requirements.intersects(narrower) and (not offerings or option.has_offering(after))
    )


def roomy(
    groups: Iterable[DaemonGroup], options: Iterable[InstanceOption], pod: PodShape, asked: Resources
) -> list[InstanceOption]:
    """Return the options with room for what pods ask for beside the DaemonSets.

    Args:
        groups: The pool's types by DaemonSets.
        options: The types to choose from.
        pod: The pod, whose host ports must be free.
        asked: What all pods on the node ask for.
    """
    eligible = frozenset(options)
    found = []
    for group in groups:
        if conflicts(pod.host_ports, group.host_ports):
            continue
        needed = total((asked, group.overhead)) if group.overhead else asked
        found += [each for each in group.options if each in eligible and fits(needed, each.allocatable)]
    return found


def _groups(
    pool: NodePool,
    requirements: Requirements,
    options: Iterable[InstanceOption],
    daemons: Sequence[tuple[str, PodShape]],
) -> tuple[DaemonGroup, ...]:
    running: dict[tuple[int, ...], list[InstanceOption]] = {}
    for option in options:
        key = tuple(index for index, (_, pod) in enumerate(daemons) if runs_daemon(pool, requirements, option, pod))
        running.setdefault(key, []).append(option)
    return tuple(
        DaemonGroup(
            tuple(members),
            total(daemons[index][1].requests for index in key),
            tuple(port for index in key for port in daemons[index][1].host_ports),
            tuple(daemons[index][0] for index in key),
        )
        for key, members in running.items()
    )


def runs_daemon(pool: NodePool, requirements: Requirements, option: InstanceOption, pod: PodShape) -> bool:
    """Return whether nodes of a type run a DaemonSet's pod; `isDaemonPodCompatible` in scheduling/scheduler.go."""
    tolerant = replace(pod, tolerations=(*pod.tolerations, TOLERATE_PREFERENCES))
    if pod.claims or untolerated(pool.taints, tolerant):
        return False
    for alternative in pod.required or ((),):
        wanted = Requirements((*pod.selector, *alternative))
        if requirements.compatible(wanted) and option.requirements.intersects(wanted):
            return True
    return False
