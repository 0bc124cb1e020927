"""What an environment tells Terraform, as far as money follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelyard.placement import ManagedGroup, managed_groups

SYSTEM = "system"

KEYS = 2
"""Keys that terraform/modules/encryption makes."""

SYSTEM_DISK_GIB = 4
"""Bottlerocket's first volume on a managed node."""


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """A managed node group.

    Attributes:
        name: Its name.
        instance_type: The first of its types, which EKS tries first.
        least: Fewest nodes.
        most: Most nodes.
        disk_gib: gp3 volumes of each node together, in GiB.
        reserved: Whether its capacity is a block that was paid for before.
        disk_iops: Operations a second of the larger of those volumes.
        disk_mib_per_s: Throughput of that volume, in MiB/s.
    """

    name: str
    instance_type: str
    least: int
    most: int
    disk_gib: float
    reserved: bool = False
    disk_iops: float = 0.0
    disk_mib_per_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    """What the cloud resources of an environment are, beside the nodes that pods ask for.

    Attributes:
        zones: Availability zones.
        control_planes: EKS control planes.
        nat_gateways: NAT gateways; each has a public address.
        nat_gb_per_month: Data through them; paid by use, nothing is known of it unless it is said.
        interface_endpoints: VPC interface endpoints, each in every zone.
        node_groups: Managed node groups.
        volumes_gib: gp3 volumes of pods, in GiB.
        load_balancers: Network load balancers.
        load_balancer_unit_hours_per_month: Capacity units that they use.
        public_addresses: Public IPv4 addresses beside those of NAT gateways.
        keys: KMS keys.
        unpriced: What else is billed by time, named by its price in `prices.yaml`, with how much of it.
    """

    zones: int = 0
    control_planes: int = 1
    nat_gateways: int = 0
    nat_gb_per_month: float = 0.0
    interface_endpoints: int = 0
    node_groups: tuple[NodeGroup, ...] = ()
    volumes_gib: float = 0.0
    load_balancers: int = 0
    load_balancer_unit_hours_per_month: float = 0.0
    public_addresses: int = 0
    nat_addresses: bool = True
    keys: int = 0
    unpriced: Mapping[str, float] = field(default_factory=dict)


def dimensions(
    given: Mapping[str, Any], *, load_balancers: int = 0, public_load_balancers: int = 0, volumes_gib: float = 0.0
) -> Dimensions:
    """Return the dimensions of an environment; what it does not say has Terraform's default.

    Args:
        given: Its variables.
        load_balancers: Network load balancers that its Services ask for.
        public_load_balancers: Those of them that the internet reaches: they have an address in every zone.
        volumes_gib: Volumes that its pods claim.
    """
    zones = len(given["zones"]) if isinstance(given.get("zones"), list) else 0
    own = given.get("existing_cluster") is None
    automatic = given.get("auto_mode") is True
    gateways = {"single": 1, "per-zone": zones, "none": 0}.get(str(given.get("nat_gateways", "single")), 0)
    endpoints = given.get("interface_endpoints", ())
    groups = [_priced(each) for each in managed_groups(given)]
    if given.get("management_host") is True:
        groups.append(NodeGroup("management host", "t4g.small", 1, 1, 20))
    lustre = given.get("lustre")
    unpriced: dict[str, float] = {}
    if automatic:
        unpriced["auto-mode"] = 1
    if isinstance(lustre, dict):
        unpriced["fsx-lustre"] = _number(lustre.get("storage_gib"), 2400)
    return Dimensions(
        zones=zones,
        nat_gateways=gateways if own else 0,
        interface_endpoints=len(endpoints) if own and isinstance(endpoints, list | tuple) else 0,
        node_groups=tuple(groups),
        volumes_gib=volumes_gib,
        load_balancers=load_balancers,
        public_addresses=public_load_balancers * zones,
        keys=KEYS,
        unpriced=unpriced,
    )


def _priced(group: ManagedGroup) -> NodeGroup:
    return NodeGroup(
        group.name,
        group.instance_types[0] if group.instance_types else "",
        group.least,
        group.most,
        group.disk_gib + (SYSTEM_DISK_GIB if group.name == SYSTEM else 0),
        group.reserved,
        group.disk_iops,
        group.disk_mib_per_s,
    )


def _number(value: Any, default: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else default
