"""Which devices the pods of a model can land on: those of the instance types that placement lets them run on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from modelyard import catalog
from modelyard.catalog import Device, InstanceType
from modelyard.placement import WHOLE_DEVICES, Placement, Sharing, sharing_of
from modelyard.sizing.slices import part_gib, slice_gib
from modelyard.view import Container, Pool, mapping

SLICE = "nvidia.com/mig-"
WHOLE = ("nvidia.com/gpu", "nvidia.com/gpu.shared")
NEURON, NEURON_CORE = "aws.amazon.com/neuron", "aws.amazon.com/neuroncore"


@dataclass(frozen=True, slots=True)
class EligibleDevice:
    """One kind of device that pods can land on.

    Attributes:
        device: The device.
        total_gib: Memory that one unit of the pod's resource gives; None for the whole device.
        instance_types: Instance types that have it, smallest first.
        pools: Pools that may make such a node, and managed groups that have one.
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


def eligible_devices(
    placement: Placement,
    container: Container,
    pools: Iterable[Pool],
    configurations: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[EligibleDevice, ...]:
    """Return the devices that pods can land on, smallest memory first.

    Args:
        placement: Where the pods can run.
        container: The container that uses the devices.
        pools: The NodePools of the environment.
        configurations: Configurations of NVIDIA's device plugin by name.

    Returns:
        One entry for each kind of device; empty when no node that takes the pods has any.
    """
    asked = device_resource(container)
    if asked is None:
        return ()
    resource, _ = asked
    found: dict[tuple[Device, float | None, int], list[tuple[InstanceType, str, Sharing]]] = defaultdict(list)
    for kind, name, pool in _nodes(placement, {pool.name: pool for pool in pools}):
        device = _device(kind)
        if device is None or (device.kind == "gpu") != resource.startswith("nvidia.com/"):
            continue
        shared = pool is not None and device.kind == "gpu"
        sharing = sharing_of(pool, configurations) if pool is not None and shared else WHOLE_DEVICES
        part = slice_gib(resource, device) if resource.startswith(SLICE) else part_gib(sharing, device)
        found[device, part, sharing.pods].append((kind, name, sharing))
    made = []
    for (device, part, _), ways in found.items():
        ordered = sorted(
            {each.name: each for each, _, _ in ways}.values(),
            key=lambda each: (each.vcpus, each.memory_mib, each.name),
        )
        names = dict.fromkeys(name for _, name, _ in ways)
        # Of two pools that differ in what is known of them the unknown one counts.
        sharing = max((way[2] for way in ways), key=lambda each: (bool(each.unknown), each.strategy))
        made.append(EligibleDevice(device, part, tuple(each.name for each in ordered), tuple(names), sharing))
    return tuple(
        sorted(made, key=lambda eligible: (eligible.total_gib or eligible.device.total_gib, eligible.device.name))
    )


def unknown_devices(placement: Placement) -> tuple[str, ...]:
    """Return the devices that the pods may get and of which the catalogue knows nothing, by EC2's names."""
    kinds = (kind for kind, _, _ in _nodes(placement, {}))
    found = {kind.accelerator.name for kind in kinds if kind.accelerator is not None and _device(kind) is None}
    return tuple(sorted(found))


def _nodes(placement: Placement, pools: Mapping[str, Pool]) -> Iterator[tuple[InstanceType, str, Pool | None]]:
    """Yield each instance type that takes the pods, with the name of its pool or managed group."""
    for verdict in placement.accepting:
        for option in verdict.options:
            yield option.kind, verdict.pool, pools.get(verdict.pool)
    for taken in placement.taking:
        for kind in taken.group.kinds[:1]:
            yield kind, taken.group.name, None


def _device(each: InstanceType) -> Device | None:
    accelerator = each.accelerator
    return catalog.device(accelerator.name, accelerator.memory_mib) if accelerator is not None else None
