"""Instance types as Karpenter sees them for one node class: labels, room, and where they are offered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

from modelyard.catalog import InstanceType
from modelyard.placement import labels
from modelyard.placement.capacity import EXOTIC, NVIDIA, allocatable, capacity, impossible
from modelyard.placement.labels import AUTO_MODE, AWS, CAPACITY_TYPE, HOSTNAME, ON_DEMAND, SPOT, ZONE, ZONE_ID
from modelyard.placement.node_classes import KarpenterSettings, NodeClass
from modelyard.placement.requirements import Requirement, Requirements, requirement
from modelyard.placement.resources import Resources

_SCHEME = re.compile(r"^([a-z]+)(-[0-9]+tb)?([0-9]+).*\.")
_RESERVATION = (labels.RESERVATION_ID, labels.RESERVATION_TYPE, labels.RESERVATION_INTERRUPTIBLE)
# Labels that pools choose types by, each with one value a type.
_NAMES: Mapping[str, Callable[[InstanceOption], str]] = {
    labels.INSTANCE_TYPE: lambda option: option.name,
    AWS + "instance-family": lambda option: option.family,
    AUTO_MODE + "instance-family": lambda option: option.family,
    labels.ARCHITECTURE: lambda option: option.kind.architecture or "unknown",
}
_OF_OFFERINGS = (ZONE, ZONE_ID, CAPACITY_TYPE, *_RESERVATION)


@dataclass(frozen=True, slots=True)
class Offer:
    """Where one instance type is offered to an environment, and for how much.

    Attributes:
        zones: Names of zones of the environment; all of them where it is not known which.
        on_demand: USD an hour; None where it is unknown.
        spot: USD an hour; None where it is unknown.
        capacity_types: Ways in which it can be had; an unknown price does not close one.
        zone_ids: Zone ids that the region offers it in.
        id_of_zone: Zone id by zone name, where the account's are known.
        certain_zones: How many of the environment's zones have it at least.
    """

    zones: tuple[str, ...]
    on_demand: float | None = None
    spot: float | None = None
    capacity_types: tuple[str, ...] = (ON_DEMAND, SPOT)
    zone_ids: tuple[str, ...] = ()
    id_of_zone: Mapping[str, str] = field(default_factory=dict)
    certain_zones: int = 0


@dataclass(frozen=True, slots=True)
class Offering:
    """One way to get an instance type.

    Attributes:
        zone: Zone name.
        capacity_type: `on-demand` or `spot`.
        price: USD an hour; None where it is unknown.
        zone_ids: Zone ids that the zone may have.
    """

    zone: str
    capacity_type: str
    price: float | None
    zone_ids: tuple[str, ...] = ()

    def compatible(self, requirements: Requirements) -> bool:
        """Return whether a node with these requirements may be got so; reserved capacity is not looked at."""
        if not requirements.get(ZONE).has(self.zone) or not requirements.get(CAPACITY_TYPE).has(self.capacity_type):
            return False
        if ZONE_ID in requirements and self.zone_ids:
            wanted = requirements.get(ZONE_ID)
            if not any(wanted.has(each) for each in self.zone_ids):
                return False
        return all(requirements.get(key).excludes for key in _RESERVATION if key in requirements)


@dataclass(frozen=True, eq=False)
class InstanceOption:
    """An instance type on the terms of one node class.

    What follows from its facts is worked out when it is first asked for: a region offers far more types than the
    pools of an environment allow.

    Attributes:
        name: The instance type.
        node_class: The node class.
        settings: Settings of Karpenter.
        region: The region.
        kinds: Facts about instance types.
        offers: Where the region offers them.
        shares: Pods that get each of its GPUs, once the device plugin has told the kubelet; Karpenter does not know of
            it before the node is ready.
    """

    name: str
    node_class: NodeClass
    settings: KarpenterSettings
    region: str
    kinds: Mapping[str, InstanceType] = field(repr=False)
    offers: Mapping[str, Offer] = field(repr=False)
    shares: int = 1

    @cached_property
    def kind(self) -> InstanceType:
        """Return the facts about the type."""
        return self.kinds[self.name]

    @cached_property
    def offer(self) -> Offer:
        """Return where the region offers it."""
        return self.offers[self.name]

    @property
    def family(self) -> str:
        """Return the part of the name before the dot, such as `g6e`."""
        return self.name.partition(".")[0]

    @cached_property
    def requirements(self) -> Requirements:
        """Return the labels that its nodes have."""
        return _labels(self.kind, self.offer.zones, self.offer.zone_ids, self.region, self.node_class.auto_mode)

    def label(self, key: str) -> Requirement | None:
        """Return the values that its nodes may have of one label; None where it says nothing of it."""
        # Rules about pods that depend on pods ask for these two of every type of the region.
        if key == HOSTNAME:
            return None
        if key == ZONE:
            return _zones(self.offer.zones)
        return self.requirements.get(key) if key in self.requirements else None

    @cached_property
    def impossible(self) -> str:
        """Return why the node class cannot use it; empty when it can."""
        return impossible(self.kind, self.node_class)

    @cached_property
    def offerings(self) -> tuple[Offering, ...]:
        """Return how it can be got; empty where the node class cannot use it."""
        return () if self.impossible else _offerings(self.kind, self.offer)

    @cached_property
    def capacity(self) -> Resources:
        """Return what a node has."""
        return self._shared(capacity(self.kind, self.node_class, self.settings))

    @cached_property
    def allocatable(self) -> Resources:
        """Return what a node leaves to pods."""
        return self._shared(allocatable(self.kind, self.node_class, self.settings))

    def _shared(self, amounts: Resources) -> Resources:
        return amounts if self.shares == 1 else {**amounts, NVIDIA: amounts.get(NVIDIA, 0) * self.shares}

    @property
    def exotic(self) -> bool:
        """Return whether Karpenter starts it only where nothing plainer will do: devices, or bare metal."""
        return "metal" in self.kind.size or any(self.capacity.get(name) for name in EXOTIC)

    def offered(self, requirements: Requirements) -> list[Offering]:
        """Return the offerings that a node with these requirements may use."""
        # Pods of one shape ask the same of every type again and again.
        asked = requirements.of(_OF_OFFERINGS)
        if asked not in self._offered:
            self._offered[asked] = [each for each in self.offerings if each.compatible(requirements)]
        return self._offered[asked]

    @cached_property
    def _offered(self) -> dict[tuple[Requirement | None, ...], list[Offering]]:
        return {}

    def has_offering(self, requirements: Requirements) -> bool:
        """Return whether a node with these requirements may use some offering."""
        return bool(self.offered(requirements))

    def price(self, requirements: Requirements) -> float | None:
        """Return the lowest price that is known of the offerings that a node may use, in USD an hour."""
        return min((each.price for each in self.offered(requirements) if each.price is not None), default=None)


def admitted_by_name(options: Iterable[InstanceOption], requirements: Requirements) -> list[InstanceOption]:
    """Return the options that the labels which name a type allow; a cheap look before their `requirements`."""
    left = list(options)
    for key, name_of in _NAMES.items():
        if key in requirements and (asked := requirements.get(key)).operator != "DoesNotExist":
            has = cache(asked.has)  # types of one family share its name
            left = [each for each in left if has(name_of(each))]
    return left


def concerns_offerings(keys: Iterable[str]) -> bool:
    """Return whether one of these labels tells offerings of one type apart."""
    return any(key in _OF_OFFERINGS for key in keys)


def instance_options(
    kinds: Mapping[str, InstanceType],
    node_class: NodeClass,
    settings: KarpenterSettings,
    offers: Mapping[str, Offer],
    region: str,
) -> list[InstanceOption]:
    """Return the instance types that a region offers, on the terms of a node class, in the order of their names.

    Args:
        kinds: Instance types by name; one without facts is left out.
        node_class: The node class.
        settings: Settings of Karpenter.
        offers: Where each type is offered; one that is missing is not.
        region: The region.
    """
    return [
        InstanceOption(name, node_class, settings, region, kinds, offers) for name in sorted(offers) if name in kinds
    ]


def by_price(options: Iterable[InstanceOption], requirements: Requirements) -> list[InstanceOption]:
    """Return options as Karpenter prefers them: cheapest first, of equal price by name, unknown prices last.

    A spot price that is unknown counts as the on-demand price, as in Karpenter until EC2 has told it spot prices
    (`defaultPrice` of the provider's pricing/pricing.go).
    """

    def order(option: InstanceOption) -> tuple[bool, float, str]:
        price = option.price(requirements)
        if price is None:
            price = option.offer.on_demand
        return price is None, price or 0.0, option.name

    return sorted(options, key=order)


def launched(options: Iterable[InstanceOption], requirements: Requirements) -> list[InstanceOption]:
    """Return the options that the AWS provider asks EC2 for, cheapest first.

    Types with devices and bare metal are left out where others remain and no `minValues` is set
    (`ExoticInstanceTypeFilter` of the provider's instance/filter/filter.go).
    """
    ordered = by_price(options, requirements)
    if requirements.min_values:
        return ordered
    return [each for each in ordered if not each.exotic] or ordered


def _offerings(kind: InstanceType, offer: Offer) -> tuple[Offering, ...]:
    prices = {ON_DEMAND: offer.on_demand, SPOT: offer.spot}
    return tuple(
        Offering(zone, capacity_type, prices[capacity_type], _ids(offer, zone))
        for zone in offer.zones
        for capacity_type in offer.capacity_types
        if capacity_type in kind.usage_classes
    )


def _ids(offer: Offer, zone: str) -> tuple[str, ...]:
    return (offer.id_of_zone[zone],) if zone in offer.id_of_zone else offer.zone_ids


@cache
def _zones(names: tuple[str, ...]) -> Requirement:
    return requirement(ZONE, "In", names)


@cache
def _labels(
    kind: InstanceType, zones: tuple[str, ...], zone_ids: tuple[str, ...], region: str, auto_mode: bool
) -> Requirements:
    """Return a type's labels; `computeRequirements` in the provider's instancetype/types.go.

    Nodes of EKS Auto Mode have some of them, under names of its own.
    """
    scheme = _SCHEME.match(kind.name)
    values: dict[str, tuple[str, ...]] = {
        labels.INSTANCE_TYPE: (kind.name,),
        labels.ARCHITECTURE: (kind.architecture or "unknown",),
        labels.OPERATING_SYSTEM: ("linux",),
        ZONE: zones,
        labels.REGION: (region,),
        CAPACITY_TYPE: tuple(each for each in kind.usage_classes if each in (ON_DEMAND, SPOT)),
        labels.TENANCY: ("default", "dedicated"),
        AWS + "instance-cpu": (str(kind.vcpus),),
        AWS + "instance-memory": (str(kind.memory_mib),),
        AWS + "instance-hypervisor": (kind.hypervisor,),
        AWS + "instance-encryption-in-transit-supported": (_truth(kind.encryption_in_transit),),
        AWS + "instance-family": (kind.family,),
        AWS + "instance-size": (kind.size,),
        AWS + "instance-capability-flex": (_truth("-flex" in kind.family),),
        AWS + "instance-cpu-manufacturer": (_kebab(kind.cpu_manufacturer),),
        AWS + "instance-cpu-sustained-clock-speed-mhz": (str(round((kind.sustained_clock_ghz or 0) * 1000)),),
    }
    if scheme is not None:
        values[AWS + "instance-category"] = (scheme[1],)
        values[AWS + "instance-generation"] = (scheme[3],)
    if zone_ids:
        values[ZONE_ID] = zone_ids
    if kind.instance_store is not None and kind.instance_store.nvme:
        values[AWS + "instance-local-nvme"] = (str(kind.instance_store.gb),)
    if kind.network_mbps is not None:
        values[AWS + "instance-network-bandwidth"] = (str(kind.network_mbps),)
    if kind.ebs_max_mbps is not None:
        values[AWS + "instance-ebs-bandwidth"] = (str(kind.ebs_max_mbps),)
    values.update(_device_labels(kind))
    if auto_mode:
        values = {_named_by_auto_mode(key): each for key, each in values.items()}
        values = {key: each for key, each in values.items() if not key.startswith(AWS)}
    of_types = {*labels.OF_INSTANCE_TYPES, *labels.OF_AUTO_MODE_TYPES}
    absent = {*of_types, labels.WINDOWS_BUILD, *_RESERVATION} - values.keys()
    return Requirements(
        [
            *(requirement(key, "In", each) for key, each in values.items()),
            *(requirement(key, "DoesNotExist") for key in sorted(absent)),
        ]
    )


def _named_by_auto_mode(key: str) -> str:
    """Return the name that EKS Auto Mode has for a label; that of Karpenter where it has none."""
    own = AUTO_MODE + key.removeprefix(AWS)
    return own if key.startswith(AWS) and own in labels.OF_AUTO_MODE_TYPES else key


def _device_labels(kind: InstanceType) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    gpus = [each for each in kind.accelerators if each.kind == "gpu"]
    if len(gpus) == 1:
        found[AWS + "instance-gpu-name"] = (_kebab(gpus[0].name),)
        found[AWS + "instance-gpu-manufacturer"] = (_kebab(gpus[0].manufacturer),)
        found[AWS + "instance-gpu-count"] = (str(gpus[0].count),)
        if gpus[0].memory_mib is not None:
            found[AWS + "instance-gpu-memory"] = (str(gpus[0].memory_mib),)
    others = [each for each in kind.accelerators if each.kind in ("neuron", "inference")]
    if len(others) == 1:
        found[AWS + "instance-accelerator-name"] = (_kebab(others[0].name),)
        maker = "aws" if others[0].kind == "neuron" else _kebab(others[0].manufacturer)
        found[AWS + "instance-accelerator-manufacturer"] = (maker,)
        found[AWS + "instance-accelerator-count"] = (str(others[0].count),)
    return found


def _kebab(text: str) -> str:
    return text.replace(" ", "-").lower()


def _truth(value: bool) -> str:
    return "true" if value else "false"
