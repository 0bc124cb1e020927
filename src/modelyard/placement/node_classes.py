"""What a node class says about the room on its nodes: an EC2NodeClass of Karpenter, or a NodeClass of EKS Auto Mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelyard.placement.resources import GIB, THOUSAND, Resources, amount, amounts
from modelyard.view import AUTO_MODE, entries, mapping

BOTTLEROCKET, AL2023, CUSTOM = "Bottlerocket", "AL2023", "Custom"
FAMILIES = {name.lower(): name for name in ("AL2", AL2023, BOTTLEROCKET, "Windows2019", "Windows2022", "Windows2025")}
DEFAULT_VOLUME = 20 * GIB * THOUSAND
"""Size of the volume that pods write to where the node class names none (`DefaultEBS`), in milli-bytes."""
AUTO_MODE_VOLUME = 80 * GIB * THOUSAND
"""Default of `ephemeralStorage.size` in EKS Auto Mode, in milli-bytes."""
AUTO_MODE_PODS = 110
"""Most pods of a node of EKS Auto Mode."""
VM_OVERHEAD = 0.075
"""`vmMemoryOverheadPercent`: the part of a type's memory that Karpenter takes the virtual machine to need."""


@dataclass(frozen=True)
class KarpenterSettings:
    """Settings of the controller that decide how much room nodes have.

    Attributes:
        vm_memory_overhead: `settings.vmMemoryOverheadPercent` of the chart, a fraction.
        reserved_enis: `settings.reservedENIs`.
        ignore_claims: `settings.ignoreDRARequests`: whether pods with resource claims are left alone.
    """

    vm_memory_overhead: float = VM_OVERHEAD
    reserved_enis: int = 0
    ignore_claims: bool = True


@dataclass(frozen=True)
class NodeClass:
    """The settings of a node class that decide how much room its nodes have.

    Attributes:
        name: The node class.
        ami_family: `Bottlerocket`, `AL2023`, `Custom` and so on.
        max_pods: `kubelet.maxPods`.
        pods_per_core: `kubelet.podsPerCore`.
        kube_reserved: `kubelet.kubeReserved`.
        system_reserved: `kubelet.systemReserved`.
        eviction_hard: `kubelet.evictionHard` as written.
        raid0: Whether pods write to the instance's own disks where it has some.
        pod_volume: Size of the volume that pods write to, in milli-bytes.
        network_interfaces: `networkInterfaces` as card, device index and kind; None where the provider chooses.
        reservations: Whether it selects capacity reservations, which only the cloud knows.
        placement_group: Whether it selects a placement group.
        connection_tracking: Whether it sets connection tracking, which needs the Nitro hypervisor.
        nested_virtualization: Whether it asks for nested virtualisation.
        auto_mode: Whether it is one of EKS Auto Mode.
    """

    name: str = ""
    ami_family: str = BOTTLEROCKET
    max_pods: int | None = None
    pods_per_core: int | None = None
    kube_reserved: Resources = field(default_factory=dict)
    system_reserved: Resources = field(default_factory=dict)
    eviction_hard: Mapping[str, str] = field(default_factory=dict)
    raid0: bool = False
    pod_volume: int = DEFAULT_VOLUME
    network_interfaces: tuple[tuple[int, int, str], ...] | None = None
    reservations: bool = False
    placement_group: bool = False
    connection_tracking: bool = False
    nested_virtualization: bool = False
    auto_mode: bool = False

    @property
    def kind(self) -> str:
        """Return the kind of its object."""
        return AUTO_MODE if self.auto_mode else "EC2NodeClass"

    @property
    def identity(self) -> str:
        """Return its kind and name."""
        return f"{self.kind} {self.name}"

    @property
    def unmodelled(self) -> str:
        """Return what about it cannot be known from a repository, in words; empty when everything can."""
        if self.ami_family.startswith("Windows"):
            return f"{self.identity} starts Windows nodes"
        if self.placement_group:
            return f"{self.identity} chooses a placement group, whose strategy is not in the repository"
        if self.nested_virtualization:
            return f"{self.identity} asks for nested virtualisation, which the catalogue does not list by type"
        return ""


def node_class(manifest: Mapping[str, Any]) -> NodeClass:
    """Return the settings of a node class's manifest."""
    spec = mapping(manifest.get("spec"))
    if manifest.get("kind") == AUTO_MODE:
        return _auto_mode(str(mapping(manifest.get("metadata")).get("name", "")), spec)
    kubelet = mapping(spec.get("kubelet"))
    family = ami_family(spec)
    return NodeClass(
        name=str(mapping(manifest.get("metadata")).get("name", "")),
        ami_family=family,
        max_pods=_integer(kubelet.get("maxPods")),
        pods_per_core=_integer(kubelet.get("podsPerCore")),
        kube_reserved=amounts(kubelet.get("kubeReserved")),
        system_reserved=amounts(kubelet.get("systemReserved")),
        eviction_hard={str(key): str(value) for key, value in mapping(kubelet.get("evictionHard")).items()},
        raid0=spec.get("instanceStorePolicy") == "RAID0",
        pod_volume=_pod_volume(entries(spec.get("blockDeviceMappings")), family),
        network_interfaces=_network_interfaces(spec),
        reservations=bool(spec.get("capacityReservationSelectorTerms")),
        placement_group=bool(spec.get("placementGroupSelector")),
        connection_tracking=bool(spec.get("connectionTracking")),
        nested_virtualization=mapping(spec.get("cpuOptions")).get("nestedVirtualization") == "enabled",
    )


def _auto_mode(name: str, spec: Mapping[str, Any]) -> NodeClass:
    """Return the settings of a NodeClass of EKS Auto Mode.

    Its nodes take at most 110 pods. Disks of the instance that are larger than `ephemeralStorage.size` are used in its
    place. Source: latest/ug/automode/create-node-class.adoc and automode-learn-instances.adoc of
    awsdocs/amazon-eks-user-guide (read 2026-11-26). What its kubelets reserve is not published; it is taken to be what
    Karpenter reserves on Bottlerocket.
    """
    size = amount(mapping(spec.get("ephemeralStorage")).get("size"))
    return NodeClass(
        name=name,
        max_pods=AUTO_MODE_PODS,
        raid0=True,
        pod_volume=AUTO_MODE_VOLUME if size is None else size,
        reservations=bool(spec.get("capacityReservationSelectorTerms")),
        auto_mode=True,
    )


def ami_family(spec: Mapping[str, Any]) -> str:
    """Return the family of a node class's image: `amiFamily`, else that of the alias, else `Custom`."""
    if spec.get("amiFamily"):
        return str(spec["amiFamily"])
    for term in entries(spec.get("amiSelectorTerms")):
        family, separator, _ = str(term.get("alias") or "").partition("@")
        if separator and family in FAMILIES:
            return FAMILIES[family]
    return CUSTOM


def _pod_volume(mappings: Sequence[Mapping[str, Any]], family: str) -> int:
    """Return the size of the volume that pods write to; `ephemeralStorage` in the provider's instancetype/types.go."""
    device = "/dev/xvdb" if family == BOTTLEROCKET else "/dev/xvda"
    chosen = [each for each in mappings if each.get("rootVolume")][:1]
    if not chosen or _size(chosen[0]) is None:
        if family == CUSTOM:
            chosen = list(mappings[-1:])
        else:
            chosen = [each for each in mappings if each.get("deviceName") == device][:1]
    size = _size(chosen[0]) if chosen else None
    return DEFAULT_VOLUME if size is None else size


def _size(device: Mapping[str, Any]) -> int | None:
    return amount(mapping(device, "ebs").get("volumeSize"))


def _network_interfaces(spec: Mapping[str, Any]) -> tuple[tuple[int, int, str], ...] | None:
    if "networkInterfaces" not in spec:
        return None
    return tuple(
        (
            _integer(each.get("networkCardIndex")) or 0,
            _integer(each.get("deviceIndex")) or 0,
            str(each.get("interfaceType") or "interface"),
        )
        for each in entries(spec["networkInterfaces"])
    )


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
