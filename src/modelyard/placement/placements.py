"""Where the pods of an environment can run, worked out once for each distinct shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import orjson

from modelyard.catalog import instance_types, region
from modelyard.findings import UserError
from modelyard.placement.instance_options import InstanceOption, instance_options
from modelyard.placement.labels import CAPACITY_TYPE, ON_DEMAND, SPOT
from modelyard.placement.node_classes import VM_OVERHEAD, KarpenterSettings, NodeClass, node_class
from modelyard.placement.node_groups import GroupVerdict, ManagedGroup, group_verdicts, groups_of
from modelyard.placement.offers import offers
from modelyard.placement.pods import PodShape, pod_shape
from modelyard.placement.requirements import Requirements
from modelyard.placement.shares import plugin_configurations, sharing_of
from modelyard.placement.templates import NodePool, NodeTemplate, in_order, node_pool, node_template, runs_daemon
from modelyard.placement.verdicts import PoolVerdict, verdicts
from modelyard.placement.volumes import Storage, claim_templates, storage, volume_requirements, with_claim_templates
from modelyard.repository import derived
from modelyard.view import Environment, PodTemplate, Workload

DAEMON_SET = "DaemonSet"
_MOST_KEPT = 64


@dataclass(frozen=True)
class Placement:
    """Where the pods of one pod template can run.

    Attributes:
        workload: The workload.
        template: Its pod template.
        shape: What the scheduler sees of a pod.
        verdicts: What each pool says, in the order in which Karpenter would take them; those that refuse come last, the
            nearest first.
        unknown: Why it cannot be told; empty when it can.
    """

    workload: Workload
    template: PodTemplate
    shape: PodShape
    verdicts: tuple[PoolVerdict, ...] = ()
    unknown: str = ""
    groups: tuple[GroupVerdict, ...] = ()

    @property
    def taking(self) -> tuple[GroupVerdict, ...]:
        """Return what the managed node groups say that take the pods."""
        return tuple(each for each in self.groups if each.accepted)

    @property
    def refused(self) -> bool:
        """Return whether it is known that the pods can run nowhere."""
        return not (self.unknown or self.daemon or self.accepting or self.taking)

    @property
    def accepting(self) -> tuple[PoolVerdict, ...]:
        """Return what the pools say that take the pods."""
        return tuple(each for each in self.verdicts if each.accepted)

    @property
    def daemon(self) -> bool:
        """Return whether a DaemonSet makes the pods: one on every node that it agrees with."""
        return self.workload.kind == DAEMON_SET

    @property
    def nodes_with_daemon(self) -> tuple[str, ...]:
        """Return the pools with nodes on which the DaemonSet runs a pod."""
        return tuple(
            each.pool
            for each in self.verdicts
            if any(
                runs_daemon(each.template.pool, each.template.requirements, option, self.shape)
                for option in each.template.options
            )
        )


@dataclass(frozen=True)
class PoolCatalog:
    """The pools of an environment, as Karpenter sees them.

    Attributes:
        templates: The pools in Karpenter's order; those that cannot be judged are not among them.
        settings: Settings of Karpenter.
        gaps: What cannot be judged, and why: subject and reason.
        storage: The volumes.
        judged: What the pools say to pods of each distinct shape that was asked about.
    """

    templates: tuple[NodeTemplate, ...] = ()
    settings: KarpenterSettings = field(default_factory=KarpenterSettings)
    gaps: tuple[tuple[object, str], ...] = ()
    storage: Storage = field(default_factory=Storage)
    judged: dict[bytes, tuple[PoolVerdict, ...]] = field(default_factory=dict, compare=False, repr=False)


@derived
def cluster(environment: Environment) -> PoolCatalog:
    """Return the pools of an environment with the instance types that they may start."""
    settings = karpenter_settings(environment)
    known = storage(environment)
    name = str(environment.facts.get("region") or "")
    zones = environment.facts.get("zones")
    gaps: list[tuple[object, str]] = []
    if not environment.pools:
        return PoolCatalog((), settings, (), known)
    if region(name) is None:
        why = f"region {name} is not in the catalogue" if name else "environment.yaml names no region"
        return PoolCatalog((), settings, tuple((pool, why) for pool in environment.pools), known)
    if not isinstance(zones, list) or not zones:
        why = "environment.yaml names no zones"
        return PoolCatalog((), settings, tuple((pool, why) for pool in environment.pools), known)
    zone_names = tuple(str(zone) for zone in zones)
    by_class: dict[str, list[InstanceOption]] = {}
    judged: list[tuple[NodePool, NodeClass]] = []
    configurations = plugin_configurations(environment)
    sharing = {}
    for pool in environment.pools:
        if pool.node_class is None:
            reference = pool.manifest.get("spec.template.spec.nodeClassRef.name", "")
            gaps.append((pool, f"its {pool.class_kind} {reference} is not in the repository"))
            continue
        found = node_class(pool.node_class.value)
        if found.unmodelled:
            gaps.append((pool, found.unmodelled))
            continue
        if found.identity not in by_class:
            by_class[found.identity] = _options(found, settings, name, zone_names)
        made = node_pool(pool.manifest.value)
        if made.static:
            gaps.append((pool, "it keeps a fixed number of nodes, which are not modelled"))
        elif found.reservations and not _without_reservations(made.requirements):
            gaps.append((pool, f"{found.kind} {found.name} selects capacity reservations, which only the cloud knows"))
        else:
            judged.append((made, found))
            sharing[made.name] = sharing_of(pool, configurations)
    daemons = _daemons(environment, known)
    classes = {pool.name: found for pool, found in judged}
    return PoolCatalog(
        tuple(
            node_template(pool, classes[pool.name], by_class[classes[pool.name].identity], daemons, sharing[pool.name])
            for pool in in_order(pool for pool, _ in judged)
        ),
        settings,
        tuple(gaps),
        known,
    )


@derived
def placements(environment: Environment) -> tuple[Placement, ...]:
    """Return where the pods of every workload can run, in the order of the workloads."""
    seen = cluster(environment)
    groups = _Groups(environment)
    found = []
    for workload in environment.workloads:
        namespace = environment.namespace_of(workload.manifest)
        for template in workload.templates:
            shape = shape_of(workload, template, namespace, seen.storage)
            made = Placement(workload, template, shape, unknown=_unknown(shape, seen))
            if not made.unknown and not _passed_over(shape, seen):
                key = _key(template, shape)
                if key not in seen.judged:
                    seen.judged[key] = verdicts(shape, seen.templates)
                said = seen.judged[key]
                made = replace(made, verdicts=said, unknown=_uncertain(said, seen))
            found.append(groups.asked(made) if made.refused else made)
    return tuple(found)


@derived
def placement_by_template(environment: Environment) -> Mapping[PodTemplate, Placement]:
    """Return where the pods of each pod template can run."""
    return {each.template: each for each in placements(environment)}


class _Groups:
    """The managed node groups of an environment, which are read when some pods need them."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    @cached_property
    def known(self) -> tuple[ManagedGroup, ...]:
        """Return the groups that the Terraform variables ask for."""
        try:
            return groups_of(self.environment)
        except UserError:
            return ()  # what cannot be read is told by those whom it concerns

    def asked(self, placement: Placement) -> Placement:
        """Return a placement with what the groups say; unknown where Karpenter was not asked and no group is known."""
        said = group_verdicts(placement.template, placement.shape, self.known, self.environment)
        unknown = ""
        if not placement.verdicts and not said:
            unknown = f"{_reason(placement.shape)}, and no managed node groups are known"
        return replace(placement, groups=said, unknown=unknown)


def _reason(shape: PodShape) -> str:
    return "Karpenter starts no nodes for resource claims" if shape.claims else shape.ignored


def _passed_over(shape: PodShape, seen: PoolCatalog) -> bool:
    """Return whether Karpenter leaves pods alone."""
    return bool(shape.ignored) or (shape.claims and seen.settings.ignore_claims)


def shape_of(workload: Workload, template: PodTemplate, namespace: str, known: Storage) -> PodShape:
    """Return what the scheduler sees of the pods of a template."""
    volumes = volume_requirements(template.spec, namespace, known)
    if workload.kind == "StatefulSet":
        volumes = with_claim_templates(volumes, claim_templates(workload.manifest), known)
    return pod_shape(template.value, namespace, volumes, added=template.added_labels)


def karpenter_settings(environment: Environment) -> KarpenterSettings:
    """Return the settings of the Karpenter that the environment installs; its defaults where none are set."""
    for values in environment.chart_values:
        if values.source.chart == "karpenter":
            overhead = values.get("settings.vmMemoryOverheadPercent")
            reserved = values.get("settings.reservedENIs")
            ignore = values.get("settings.ignoreDRARequests")
            return KarpenterSettings(
                _fraction(overhead),
                int(reserved) if str(reserved).isdigit() else 0,
                ignore is not False,
            )
    return KarpenterSettings()


_kept_options: dict[str, list[InstanceOption]] = {}


def _options(found: NodeClass, settings: KarpenterSettings, name: str, zones: tuple[str, ...]) -> list[InstanceOption]:
    """Return the instance types on the terms of a node class, worked out once for all environments that agree."""
    key = repr((replace(found, name=""), settings, name, zones))
    if key not in _kept_options:
        offered = offers(name, zones)
        if len(_kept_options) >= _MOST_KEPT:
            _kept_options.clear()
        _kept_options[key] = instance_options(instance_types(), found, settings, offered, name)
    return _kept_options[key]


def _daemons(environment: Environment, known: Storage) -> list[tuple[str, PodShape]]:
    return [
        (workload.name, shape_of(workload, template, environment.namespace_of(workload.manifest), known))
        for workload in environment.workloads
        if workload.kind == DAEMON_SET
        for template in workload.templates
    ]


def _unknown(shape: PodShape, seen: PoolCatalog) -> str:
    """Return why pods cannot be judged; empty when they can."""
    if shape.claims and not seen.settings.ignore_claims:
        return "what Karpenter does with resource claims (settings.ignoreDRARequests false) is not modelled"
    if _passed_over(shape, seen):
        return ""
    if not seen.templates:
        return str(seen.gaps[0][1]) if seen.gaps else "the environment has no node pools"
    return ""


def _uncertain(said: tuple[PoolVerdict, ...], seen: PoolCatalog) -> str:
    """Return why it is not sure that some pool takes pods; empty when it is, or when no pool may."""
    accepted = [each for each in said if each.accepted]
    if accepted and not any(verdict.certain(option) for verdict in accepted for option in verdict.options):
        names = ", ".join(option.name for option in accepted[0].options[:3])
        where = ", ".join(accepted[0].zones)
        return f"it is not known whether {where} has {names}: zone names differ between accounts"
    if not accepted and seen.gaps:
        subject, reason = seen.gaps[0]
        return f"{subject} is not judged: {reason}"
    return ""


def _key(template: PodTemplate, shape: PodShape) -> bytes:
    """Return what of pods decides which nodes take one alone; thousands of workloads have few of these."""
    spec = template.spec
    affinity = spec.get("affinity")
    decisive: dict[str, Any] = {
        "requests": shape.requests,
        "tolerations": spec.get("tolerations"),
        "nodeSelector": spec.get("nodeSelector"),
        "nodeAffinity": affinity.get("nodeAffinity") if isinstance(affinity, Mapping) else None,
        "ports": shape.host_ports,
        "volumes": [sorted(str(each) for each in alternative) for alternative in shape.volumes],
    }
    return orjson.dumps(decisive, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)


def _without_reservations(requirements: Requirements) -> bool:
    allowed = requirements.get(CAPACITY_TYPE)
    return allowed.has(ON_DEMAND) or allowed.has(SPOT)


def _fraction(value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return VM_OVERHEAD
    return found if 0 <= found < 1 else VM_OVERHEAD
