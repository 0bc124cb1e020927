"""Which devices the pods of a model can land on, by labels alone.

Room for a pod's CPU and memory beside other pods, zones and prices are placement's; a device that placement rules out
for these reasons is listed here all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from modelyard import catalog
from modelyard.catalog import Device, InstanceType
from modelyard.cluster import (
    Container,
    NodeRequirement,
    PodTemplate,
    Pool,
    alternatives,
    entries,
    mapping,
    pool_requirements,
    tolerates,
)
from modelyard.sizing.shares import WHOLE as WHOLE_DEVICES
from modelyard.sizing.shares import Sharing, sharing_of
from modelyard.sizing.slices import slice_gib

SLICE = "nvidia.com/mig-"
WHOLE = ("nvidia.com/gpu", "nvidia.com/gpu.shared")
NEURON, NEURON_CORE = "aws.amazon.com/neuron", "aws.amazon.com/neuroncore"

Demand = tuple[str, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Landing:
    """One kind of device that pods can land on.

    Attributes:
        device: The device.
        total_gib: Memory that one unit of the pod's resource gives; None for the whole device.
        instance_types: Instance types that have it, smallest first.
        pools: Pools that may make such a node.
        sharing: How the nodes share the device among pods.
    """

    device: Device
    total_gib: float | None
    instance_types: tuple[str, ...]
    pools: tuple[str, ...]
    sharing: Sharing = WHOLE_DEVICES


def device_resource(container: Container) -> tuple[str, int] | None:
    """Return the resource by which a container asks for devices, and how many units; None when it asks for none."""
    names = {name for part in ("limits", "requests") for name in mapping(container.value, "resources", part)}
    for name in sorted(names):
        amount = str(container.requested(name))
        if (name in (*WHOLE, NEURON, NEURON_CORE) or name.startswith(SLICE)) and amount.isdigit() and int(amount) > 0:
            return name, int(amount)
    return None


def landings(
    template: PodTemplate,
    container: Container,
    pools: Iterable[Pool],
    region: str,
    configurations: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Landing, ...]:
    """Return the devices that pods can land on, smallest memory first.

    Args:
        template: The pods.
        container: The container that uses the devices.
        pools: The NodePools of the environment.
        region: Only types that it offers count; every type where the data do not have the region.
        configurations: Configurations of NVIDIA's device plugin by name.

    Returns:
        One entry for each kind of device; empty when no pool has a node for the pods.
    """
    asked = device_resource(container)
    if asked is None:
        return ()
    resource, count = asked
    groups = tuple(tuple(map(_demand, group)) for group in alternatives(template))
    tolerations = entries(template.spec, "tolerations")
    found: dict[tuple[Device, float | None, int], list[tuple[InstanceType, str, Sharing]]] = defaultdict(list)
    for pool in pools:
        if not all(taint.effect == "PreferNoSchedule" or tolerates(tolerations, taint) for taint in pool.taints):
            continue
        sharing = sharing_of(pool, configurations) if resource.startswith("nvidia.com/") else WHOLE_DEVICES
        for each in _types(tuple(map(_demand, pool_requirements(pool))), groups, region, resource, count):
            device = _device(each)
            if device is not None:
                part = slice_gib(resource, device) if resource.startswith(SLICE) else sharing.part_gib(device)
                found[device, part, sharing.pods].append((each, pool.name, sharing))
    made = []
    for (device, part, _), ways in found.items():
        ordered = sorted(
            {each.name: each for each, _, _ in ways}.values(),
            key=lambda each: (each.vcpus, each.memory_mib, each.name),
        )
        names = dict.fromkeys(name for _, name, _ in ways)
        # Of two pools that differ in what is known of them the unknown one counts.
        sharing = max((way[2] for way in ways), key=lambda each: (bool(each.unknown), each.strategy))
        made.append(Landing(device, part, tuple(each.name for each in ordered), tuple(names), sharing))
    return tuple(sorted(made, key=lambda landing: (landing.total_gib or landing.device.total_gib, landing.device.name)))


def _demand(requirement: NodeRequirement) -> Demand:
    return requirement.key, requirement.operator, requirement.values


@lru_cache(maxsize=1024)
def _types(
    pool: tuple[Demand, ...], groups: tuple[tuple[Demand, ...], ...], region: str, resource: str, count: int
) -> tuple[InstanceType, ...]:
    """Return the types that a pool may make for pods of one shape; asked once for each distinct shape."""
    offered = catalog.region(region)
    candidates = catalog.instance_types().values()
    fixed = _fixed(pool)
    return tuple(
        each
        for each in candidates
        if (offered is None or each.name in offered.offers)
        and _units(each, resource) >= count
        and _meets(each, pool, {})
        and any(_meets(each, group, fixed) for group in groups)
    )


def _units(each: InstanceType, resource: str) -> int:
    """Return how many units of an extended resource a node of the type has."""
    accelerator = each.accelerator
    if accelerator is None or (accelerator.kind == "gpu") != resource.startswith("nvidia.com/"):
        return 0
    if resource == NEURON_CORE:
        return accelerator.logical_count * (accelerator.cores_per_device or 0)
    # How many slices or shares a device is cut into is decided on the node; one device at least is needed.
    return accelerator.logical_count if resource in (WHOLE[0], NEURON) else 2**31


def _fixed(pool: tuple[Demand, ...]) -> Mapping[str, tuple[str, ...]]:
    return {key: values for key, operator, values in pool if operator == "In"}


def _meets(each: InstanceType, demands: Iterable[Demand], fixed: Mapping[str, tuple[str, ...]]) -> bool:
    labels = _labels(each)
    for key, operator, values in demands:
        demand = NodeRequirement(key, operator, values, ())
        if key in labels:
            if not demand.holds(labels[key]):
                return False
        elif key in OF_TYPES:
            if operator not in ("NotIn", "DoesNotExist"):
                return False
        elif key in fixed:
            if operator == "DoesNotExist" or not any(demand.holds(value) for value in fixed[key]):
                return False
        elif fixed and key not in OPEN and operator not in ("NotIn", "DoesNotExist"):
            return False
    return True


AWS = "karpenter.k8s.aws/instance-"
OF_TYPES = frozenset(
    AWS + name
    for name in (
        "gpu-name",
        "gpu-manufacturer",
        "gpu-count",
        "gpu-memory",
        "accelerator-name",
        "accelerator-manufacturer",
        "accelerator-count",
        "local-nvme",
    )
)
"""Labels that a type lacks when it does not have the part."""

OPEN = frozenset(
    {
        "topology.kubernetes.io/zone",
        "topology.k8s.aws/zone-id",
        "topology.kubernetes.io/region",
        "karpenter.sh/capacity-type",
        "kubernetes.io/hostname",
    }
)
"""Labels whose values are decided when a node is made, not by its type."""


@lru_cache(maxsize=4096)
def _labels(each: InstanceType) -> Mapping[str, str]:
    """Return the labels of Karpenter's AWS provider (`pkg/providers/instancetype/types.go`) that types differ by."""
    labels = {
        "node.kubernetes.io/instance-type": each.name,
        "beta.kubernetes.io/instance-type": each.name,
        "kubernetes.io/os": "linux",
        f"{AWS}category": each.name[: len(each.name) - len(each.name.lstrip("abcdefghijklmnopqrstuvwxyz"))],
        f"{AWS}family": each.family,
        f"{AWS}size": each.size,
        f"{AWS}cpu": str(each.vcpus),
        f"{AWS}memory": str(each.memory_mib),
        f"{AWS}hypervisor": each.hypervisor,
    }
    generation = "".join(char for char in each.family.lstrip("abcdefghijklmnopqrstuvwxyz")[:1] if char.isdigit())
    if generation:
        labels[f"{AWS}generation"] = generation
    if each.architecture:
        labels["kubernetes.io/arch"] = labels["beta.kubernetes.io/arch"] = each.architecture
    if each.cpu_manufacturer:
        labels[f"{AWS}cpu-manufacturer"] = each.cpu_manufacturer.lower()
    if each.network_mbps:
        labels[f"{AWS}network-bandwidth"] = str(each.network_mbps)
    if each.instance_store and each.instance_store.nvme:
        labels[f"{AWS}local-nvme"] = str(each.instance_store.gb)
    accelerator = each.accelerator
    if accelerator is not None and accelerator.kind == "gpu":
        labels[f"{AWS}gpu-name"] = accelerator.name.lower().replace(" ", "-")
        labels[f"{AWS}gpu-manufacturer"] = accelerator.manufacturer.lower()
        labels[f"{AWS}gpu-count"] = str(accelerator.logical_count)
        labels[f"{AWS}gpu-memory"] = str(accelerator.memory_mib or "")
    elif accelerator is not None:
        labels[f"{AWS}accelerator-name"] = accelerator.name.lower().replace(" ", "-")
        labels[f"{AWS}accelerator-manufacturer"] = accelerator.manufacturer.lower()
        labels[f"{AWS}accelerator-count"] = str(accelerator.logical_count)
    return labels


def _device(each: InstanceType) -> Device | None:
    accelerator = each.accelerator
    return catalog.device(accelerator.name, accelerator.memory_mib) if accelerator is not None else None
