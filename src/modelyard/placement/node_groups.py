"""Managed node groups that Terraform makes, and which of them take pods that Karpenter starts no node for.

Their nodes are there or are added by hand; nothing adds one because a pod waits. Labels are those that EKS puts on its
nodes, beside the group's own; room is estimated as Karpenter estimates it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelyard.catalog import InstanceType, instance_type
from modelyard.placement.capacity import allocatable
from modelyard.placement.claims import parts_claimed
from modelyard.placement.labels import ARCHITECTURE, INSTANCE_TYPE, OPERATING_SYSTEM, REGION, ZONE
from modelyard.placement.node_classes import AL2023, BOTTLEROCKET, KarpenterSettings, NodeClass
from modelyard.placement.pods import PodShape
from modelyard.placement.resources import GIB, PODS, THOUSAND, Resources, written
from modelyard.repository import EnvironmentFolder, hcl
from modelyard.view import Environment, PodTemplate, Taint, alternatives, entries, mapping, text, tolerates

FILE = "terraform.tfvars"
SYSTEM = "system"
GROUP_LABEL, CAPACITY_LABEL = "eks.amazonaws.com/nodegroup", "eks.amazonaws.com/capacityType"
_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}


@dataclass(frozen=True, slots=True)
class ManagedGroup:
    """A managed node group.

    Attributes:
        name: Its name.
        instance_types: Its types, in the order in which EKS tries them.
        least: Fewest nodes.
        most: Most nodes.
        disk_gib: Size of the volume that pods write to where the type has no disks of its own, in GiB.
        zones: Zones of its nodes; empty for all of the environment.
        labels: Labels of its nodes beside those of EKS.
        taints: Taints of its nodes.
        ami_type: The kind of its images.
        reserved: Whether its capacity is a block that was paid for before.
        disk_iops: Operations a second of that volume.
        disk_mib_per_s: Throughput of that volume, in MiB/s.
        mig_profiles: Parts that its nodes cut each GPU into; empty for whole GPUs.
    """

    name: str
    instance_types: tuple[str, ...]
    least: int
    most: int
    disk_gib: float
    zones: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    ami_type: str = ""
    reserved: bool = False
    disk_iops: float = 3000
    disk_mib_per_s: float = 125
    mig_profiles: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[InstanceType, ...]:
        """Return the facts about its types; those without facts are left out."""
        return tuple(kind for name in self.instance_types if (kind := instance_type(name)) is not None)


@dataclass(frozen=True, slots=True)
class GroupVerdict:
    """What a managed node group says to pods.

    Attributes:
        group: The group.
        reasons: Why it does not take them, in words; empty where it does.
        pods_per_node: How many of them a node holds beside nothing else; 0 where it takes none.
        one_node: Whether they name one claim of a device, and so are all on the node that has it.
    """

    group: ManagedGroup
    reasons: tuple[str, ...] = ()
    pods_per_node: int = 0
    one_node: bool = False

    @property
    def nodes(self) -> int:
        """Return how many of its nodes can hold the pods."""
        return min(1, self.group.most) if self.one_node else self.group.most

    @property
    def accepted(self) -> bool:
        """Return whether it takes the pods."""
        return not self.reasons

    @property
    def most_pods(self) -> int:
        """Return how many of the pods all its nodes hold."""
        return self.pods_per_node * self.nodes


def variables(folder: EnvironmentFolder) -> dict[str, Any]:
    """Return the environment's Terraform variables as written; empty without a file.

    Raises:
        UserError: The file is no variable file.
    """
    path = f"{folder.path}/{FILE}"
    if not folder.files.is_file(path):
        return {}
    return hcl.variables(path, folder.files.text(path))


def managed_groups(given: Mapping[str, Any]) -> tuple[ManagedGroup, ...]:
    """Return the managed node groups that variables ask for; what they do not say has Terraform's default."""
    if given.get("existing_cluster") is not None or given.get("auto_mode") is True:
        return ()
    system = mapping(given.get("system_nodes"))
    found = [_group(SYSTEM, system, ["m6i.large"], (2, 4), 50, "BOTTLEROCKET_x86_64")]
    for name, group in mapping(given.get("device_node_groups")).items():
        found.append(_group(str(name), mapping(group), [], (0, 1), 40, ""))
    return tuple(found)


def groups_of(environment: Environment) -> tuple[ManagedGroup, ...]:
    """Return the managed node groups of an environment.

    Raises:
        UserError: Its Terraform variables cannot be read.
    """
    given = variables(environment.folder)
    return managed_groups(given) if given else ()


def group_verdicts(
    template: PodTemplate, shape: PodShape, groups: tuple[ManagedGroup, ...], environment: Environment
) -> tuple[GroupVerdict, ...]:
    """Return what managed node groups say to pods, by the kube-scheduler's rules.

    Devices that a claim asks for are taken to be there where the node's type has any: which devices a driver offers
    is known on the node.
    """
    return tuple(_verdict(template, shape, group, environment) for group in groups)


def _verdict(template: PodTemplate, shape: PodShape, group: ManagedGroup, environment: Environment) -> GroupVerdict:
    if not group.kinds:
        named = ", ".join(group.instance_types) or "no type"
        return GroupVerdict(group, (f"its instance types are not in the catalogue ({named})",))
    reasons = [
        f"its taint {taint} is not tolerated"
        for taint in group.taints
        if taint.effect != "PreferNoSchedule" and not tolerates(entries(template.spec, "tolerations"), taint)
    ]
    kind = group.kinds[0]
    zones = group.zones or tuple(str(zone) for zone in environment.facts.get("zones") or ())
    nodes = [_labels(group, kind, zone, environment) for zone in zones] or [_labels(group, kind, "", environment)]
    unmet = [
        [str(demand) for demand in alternative if not _holds(demand.operator, demand.key, demand.holds, labels)]
        for alternative in alternatives(template)
        for labels in nodes
    ]
    least = min(unmet, key=len)
    reasons += [f"{each} is required, and its nodes do not have it" for each in least]
    if shape.volumes and not any(each.get(ZONE).has(zone) for each in shape.volumes for zone in zones):
        reasons.append("its volumes are in other zones")
    if shape.claims and not kind.accelerators:
        reasons.append(f"{kind.name} has no devices to claim")
    elif shape.claims and group.name != SYSTEM:
        claims_parts = parts_claimed(template, environment)
        if claims_parts and not group.mig_profiles:
            reasons.append("they claim a part of a GPU, and its nodes cut none (mig_profiles)")
        elif claims_parts is False and group.mig_profiles:
            reasons.append(f"they claim a whole GPU, and its nodes cut each ({', '.join(group.mig_profiles)})")
    room = _room(group, kind)
    short = {name: value for name, value in shape.requests.items() if value > room.get(name, 0)}
    reasons += [
        f"a pod asks for {written(name, value)}, and {kind.name} leaves {written(name, max(room.get(name, 0), 0))}"
        for name, value in sorted(short.items())
        if name != PODS
    ]
    if reasons:
        return GroupVerdict(group, tuple(reasons))
    per_node = min(room[name] // value for name, value in shape.requests.items() if value)
    by_name = [bool(text(claim, "resourceClaimName")) for claim in entries(template.spec, "resourceClaims")]
    # A claim that pods name is one device for all of them; a template makes one for each.
    shared = shape.claims and all(by_name)
    return GroupVerdict(group, (), 1 if shape.claims and not shared else max(1, per_node), one_node=shared)


def _holds(operator: str, key: str, holds: Any, labels: Mapping[str, str]) -> bool:
    if key not in labels:
        return operator in ("NotIn", "DoesNotExist")
    return bool(holds(labels[key]))


def _labels(group: ManagedGroup, kind: InstanceType, zone: str, environment: Environment) -> dict[str, str]:
    region = str(environment.facts.get("region") or "")
    return {
        GROUP_LABEL: group.name,
        CAPACITY_LABEL: "CAPACITY_BLOCK" if group.reserved else "ON_DEMAND",
        INSTANCE_TYPE: kind.name,
        ARCHITECTURE: kind.architecture or "",
        OPERATING_SYSTEM: "linux",
        **({ZONE: zone} if zone else {}),
        **({REGION: region} if region else {}),
        **group.labels,
    }


def _room(group: ManagedGroup, kind: InstanceType) -> Resources:
    family = BOTTLEROCKET if group.ami_type.startswith(BOTTLEROCKET.upper()) else AL2023
    volume = int(group.disk_gib * GIB * THOUSAND)
    # Groups with devices keep images and pods on the type's own disks, as terraform/modules/nodes/user-data says.
    node_class = NodeClass(group.name, family, pod_volume=volume, raid0=group.name != SYSTEM)
    return allocatable(kind, node_class, KarpenterSettings())


def _group(
    name: str, given: Mapping[str, Any], types: list[str], size: tuple[int, int], disk: int, ami_type: str
) -> ManagedGroup:
    listed = given.get("instance_types")
    kinds = [str(each) for each in listed] if isinstance(listed, list) and listed else types
    zones = given.get("zones")
    taints = given.get("taints")
    return ManagedGroup(
        name,
        tuple(kinds),
        int(_number(given.get("min_size"), size[0])),
        int(_number(given.get("max_size"), size[1])),
        _number(given.get("disk_gib"), disk),
        tuple(str(zone) for zone in zones) if isinstance(zones, list) else (),
        {str(key): str(value) for key, value in mapping(given.get("labels")).items()},
        tuple(
            Taint(str(each.get("key", "")), str(each.get("value") or ""), _EFFECTS.get(str(each.get("effect")), ""))
            for each in (taints if isinstance(taints, list) else ())
            if isinstance(each, Mapping)
        ),
        str(given.get("ami_type") or ami_type),
        given.get("capacity_reservation_id") is not None,
        _number(given.get("disk_iops"), 3000),
        _number(given.get("disk_mib_per_s"), 125),
        tuple(str(each) for each in profiles) if isinstance(profiles := given.get("mig_profiles"), list) else (),
    )


def _number(value: Any, default: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else default
