"""Whether a pool takes pods, and if not, each reason in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

from modelyard.placement.instance_options import InstanceOption, admitted_by_name
from modelyard.placement.labels import CAPACITY_TYPE, ZONE, ZONE_ID
from modelyard.placement.pods import PodShape, conflicts
from modelyard.placement.requirements import Requirement, Requirements
from modelyard.placement.resources import NODES, PODS, THOUSAND, Resources, fits, total, written
from modelyard.placement.scheduling import Node, Scheduler, within
from modelyard.placement.templates import NodeTemplate, admitted, lacking_values, untolerated


class Step(IntEnum):
    """How far pods get with a pool; a later step is nearer."""

    LABELS = 0  # its nodes do not have the labels that are required
    TAINTS = 1  # its taints are not tolerated
    EMPTY = 2  # it can start no node at all
    TYPES = 3  # none of its instance types has what is required
    ROOM = 4  # none of those has room
    LIMITS = 5  # its limits permit none of those
    ACCEPTED = 6


@dataclass(frozen=True)
class PoolVerdict:
    """What one pool says to pods.

    Attributes:
        template: The pool.
        step: How far they get.
        reasons: Why they get no further, in words; empty when they are accepted.
        wishes_given_up: How many wishes they have to give up first.
        options: Instance types that are asked for, cheapest first.
        requirements: Labels of the node.
        about: The label or resource that the first reason is about; empty where it is about more.
    """

    template: NodeTemplate
    step: Step
    reasons: tuple[str, ...] = ()
    wishes_given_up: int = 0
    options: tuple[InstanceOption, ...] = ()
    requirements: Requirements = field(default_factory=Requirements)
    about: str = ""

    @property
    def pool(self) -> str:
        """Return the pool's name."""
        return self.template.pool.name

    @property
    def accepted(self) -> bool:
        """Return whether the pool takes the pods."""
        return self.step is Step.ACCEPTED

    @property
    def zones(self) -> tuple[str, ...]:
        """Return the zones that a node may be in."""
        return tuple(sorted({each.zone for option in self.options for each in option.offered(self.requirements)}))

    @property
    def capacity_types(self) -> tuple[str, ...]:
        """Return how a node may be had."""
        found = {each.capacity_type for option in self.options for each in option.offered(self.requirements)}
        return tuple(sorted(found))

    def certain(self, option: InstanceOption) -> bool:
        """Return whether a type is surely offered in a zone that the node may be in.

        Which zone name stands for which zone id differs from account to account, so that of a type which only some
        zones have, it is known how many of the environment's zones have it, and not always which.
        """
        if option.offer.id_of_zone:
            return True
        allowed = {each.zone for each in option.offered(self.requirements)}
        excluded = len(option.offer.zones) - len(allowed)
        return option.offer.certain_zones > excluded


def verdicts(pod: PodShape, templates: Sequence[NodeTemplate]) -> tuple[PoolVerdict, ...]:
    """Return what every pool says to pods that come alone, in the order in which Karpenter would take them.

    Pools that take them with more of their wishes come first, then those with more weight; those that do not take them
    come last, the nearest first. Other pods, their nodes and what limits they use up are not looked at.
    """
    scheduler = Scheduler(templates)
    single = pod.alone
    found = [_verdict(single, template, scheduler) for template in templates]
    ranked = sorted(
        enumerate(found),
        key=lambda each: (-each[1].step, each[1].wishes_given_up, len(each[1].reasons), each[0]),
    )
    return tuple(verdict for _, verdict in ranked)


def _verdict(pod: PodShape, template: NodeTemplate, scheduler: Scheduler) -> PoolVerdict:
    if template.options:
        allowed = within(template.options, template.pool.limits)
        for given_up, stage in enumerate(pod.stages(scheduler.tolerates_preferences)):
            node = Node(template, template.requirements, allowed)
            found = scheduler.added(node, -1, stage) if allowed else None
            if found is not None:
                requirements, options = found
                node = replace(node, requirements=requirements, options=options, requests=stage.requests)
                return PoolVerdict(template, Step.ACCEPTED, (), given_up, tuple(node.launched or options), requirements)
    return max(
        (_refused(pod, alternative, template) for alternative in pod.required or ((),)),
        key=lambda verdict: (verdict.step, -len(verdict.reasons)),
    )


def _refused(pod: PodShape, alternative: Iterable[Requirement], template: NodeTemplate) -> PoolVerdict:
    wanted = Requirements((*pod.selector, *alternative))
    unmet = template.requirements.unmet(wanted)
    taints = [taint for taint in untolerated(template.pool.taints, pod) if taint.effect != "PreferNoSchedule"]
    if unmet or taints:
        reasons = [_label(each, template) for each in unmet]
        reasons += [f"its taint {taint} is not tolerated" for taint in taints]
        about = unmet[0].key if unmet else taints[0].key
        return PoolVerdict(template, Step.LABELS if unmet else Step.TAINTS, tuple(reasons), about=about)
    if not template.options:
        return PoolVerdict(template, Step.EMPTY, (_empty(template),))
    after = template.requirements.narrowed(wanted)
    for volume in pod.volumes[:1]:
        after.add(volume)
    candidates = admitted(template.options, template.requirements, after)
    if not candidates:
        about, reason = _no_type(template, wanted, after)
        return PoolVerdict(template, Step.TYPES, (reason,), about=about)
    short = _room(pod, template, candidates)
    if short:
        return PoolVerdict(template, Step.ROOM, tuple(short.values()), about=next(iter(short)))
    roomy = [each for each in candidates if not _shortage(pod, template, each)]
    lacking = lacking_values(roomy, after)
    if lacking:
        return PoolVerdict(template, Step.TYPES, tuple(_too_few(key, count, after) for key, count in lacking.items()))
    about, reason = _limit(template, roomy)
    return PoolVerdict(template, Step.LIMITS, (reason,), about=about)


def _empty(template: NodeTemplate) -> str:
    allowed = [
        each
        for each in admitted_by_name(template.all_options, template.requirements)
        if each.requirements.intersects(template.requirements)
    ]
    lacking = lacking_values(allowed, template.requirements)
    if allowed and lacking:
        return "; ".join(_too_few(key, count, template.requirements) for key, count in lacking.items())
    impossible = sorted({each.impossible for each in allowed if each.impossible})
    if allowed and impossible:
        return f"its node class can start none of its {len(allowed)} instance types: {impossible[0]}"
    if allowed:
        kinds = template.requirements.get(CAPACITY_TYPE)
        return f"none of its {len(allowed)} instance types is offered as it requires ({kinds})"
    return "no instance type that the region offers meets its requirements"


def _label(each: Requirement, template: NodeTemplate) -> str:
    if each.key not in template.requirements:
        return f"its nodes have no label {each.key}"
    return f"{each} is required, and its nodes have {template.requirements.get(each.key)}"


def _no_type(template: NodeTemplate, wanted: Requirements, after: Requirements) -> tuple[str, str]:
    count = len(template.options)
    for each in wanted:
        if not any(option.requirements.intersects(Requirements([each])) for option in template.options):
            return each.key, f"none of its {count} instance types has {each}"
    by_label = [each for each in template.options if each.requirements.intersects(after)]
    if by_label:
        where = ", ".join(str(after.get(key)) for key in (ZONE, ZONE_ID, CAPACITY_TYPE) if key in after)
        return next((key for key in (ZONE, ZONE_ID, CAPACITY_TYPE) if key in wanted), ""), (
            f"{_types(by_label)} would do, but not with {where}"
        )
    shown = " and ".join(str(each) for each in wanted if each.key not in template.requirements)
    return "", f"none of its {count} instance types has {shown} at once"


def _types(options: Sequence[InstanceOption]) -> str:
    names = [option.name for option in options[:3]]
    more = f" and {len(options) - 3} more" if len(options) > 3 else ""
    return ", ".join(names) + more


def _overhead(template: NodeTemplate, option: InstanceOption) -> Resources:
    return next((group.overhead for group in template.groups if option in group.options), {})


def _shortage(pod: PodShape, template: NodeTemplate, option: InstanceOption) -> Resources:
    """Return what a type lacks for one pod beside the DaemonSets; a conflict of ports counts as lacking a pod."""
    for group in template.groups:
        if option in group.options:
            if conflicts(pod.host_ports, group.host_ports):
                return {"host port": THOUSAND}
            needed = total((pod.requests, group.overhead))
            if fits(needed, option.allocatable):
                return {}
            return {
                name: value - option.allocatable.get(name, 0)
                for name, value in needed.items()
                if value > option.allocatable.get(name, 0)
            }
    return {PODS: THOUSAND}


def _room(pod: PodShape, template: NodeTemplate, candidates: Sequence[InstanceOption]) -> dict[str, str]:
    """Return why no candidate has room, by resource; empty where one has."""
    shortages = {option.name: _shortage(pod, template, option) for option in candidates}
    if any(not short for short in shortages.values()):
        return {}
    for group in template.groups:
        taken = conflicts(pod.host_ports, group.host_ports)
        if taken is not None:
            return {"": f"host port {taken[1]} is taken by a DaemonSet on its nodes"}
    everywhere = set.intersection(*(set(short) for short in shortages.values()))
    if everywhere:
        return {name: _most(name, pod, template, candidates) for name in sorted(everywhere, key=_devices_first)}
    nearest = min(candidates, key=lambda option: _distance(shortages[option.name], pod))
    short = shortages[nearest.name]
    lacks = " and ".join(written(name, value) for name, value in sorted(short.items()))
    reason = f"no instance type of it has room for all at once; {nearest.name} comes nearest and lacks {lacks}"
    return {min(short, key=_devices_first): reason}


def _devices_first(name: str) -> tuple[bool, str]:
    return "/" not in name, name


def _most(name: str, pod: PodShape, template: NodeTemplate, candidates: Sequence[InstanceOption]) -> str:
    def room(option: InstanceOption) -> int:
        return option.allocatable.get(name, 0) - _overhead(template, option).get(name, 0)

    best = max(candidates, key=lambda option: (room(option), option.name))
    asked = written(name, pod.requests.get(name, 0))
    if room(best) <= 0:
        return f"a pod asks for {asked}, and none of its {len(candidates)} instance types has any"
    return f"a pod asks for {asked}, and {best.name}, its largest, leaves {written(name, room(best))}"


def _distance(short: Resources, pod: PodShape) -> tuple[int, float]:
    return len(short), sum(value / max(pod.requests.get(name, 0), 1) for name, value in short.items())


def _too_few(key: str, count: int, requirements: Requirements) -> str:
    return f"minValues asks for {requirements.get(key).min_values} values of {key}, and {count} remain"


def _limit(template: NodeTemplate, roomy: Sequence[InstanceOption]) -> tuple[str, str]:
    limits = template.pool.limits
    if limits.get(NODES) == 0:
        return NODES, "its limit is 0 nodes"
    excess: dict[str, InstanceOption] = {}
    for name, limit in sorted(limits.items()):
        smallest = min(roomy, key=lambda option: (option.capacity.get(name, 0), option.name))
        if smallest.capacity.get(name, 0) > limit:
            excess[name] = smallest
    if not excess:
        shown = " and ".join(written(name, value) for name, value in sorted(limits.items()))
        return "", f"no instance type with room stays within its limits of {shown} together"
    name, smallest = next(iter(excess.items()))
    has = written(name, smallest.capacity.get(name, 0))
    permitted = written(name, limits[name])
    return name, f"its limit of {permitted} is below the {has} of {smallest.name}, the smallest with room"
