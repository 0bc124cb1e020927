"""The instance types that an environment's pools may start, as Karpenter's KWOK provider reads them."""

from __future__ import annotations

from typing import Any

from modelyard.placement import InstanceOption, PoolCatalog
from modelyard.placement.labels import (
    ARCHITECTURE,
    CAPACITY_TYPE,
    INSTANCE_TYPE,
    OF_AUTO_MODE_TYPES,
    OF_INSTANCE_TYPES,
    OPERATING_SYSTEM,
    ZONE,
)

# What the provider takes off a node before pods get the rest (`newInstanceType` in its helpers.go), in thousandths.
_TAKEN_OFF = {"cpu": 100, "memory": 10 * 2**20 * 1000}
_OWN = frozenset({ARCHITECTURE, CAPACITY_TYPE, INSTANCE_TYPE, OPERATING_SYSTEM, ZONE})

# Karpenter prefers cheap nodes, so one of unknown price comes last.
_UNKNOWN_PRICE = 1_000_000.0


def kwok_instance_types(cluster: PoolCatalog) -> list[dict[str, Any]]:
    """Return the instance types of all pools, each once, in the provider's format.

    Labels that AWS's provider would give a node stand with each offering: the provider puts those on nodes, and only
    those are matched against what pools and pods require. A type that two node classes give different room has that of
    the pool that comes first.
    """
    found: dict[str, dict[str, Any]] = {}
    for template in cluster.templates:
        for option in template.options:
            if option.offerings and option.name not in found:
                found[option.name] = _instance_type(option)
    return list(found.values())


def _instance_type(option: InstanceOption) -> dict[str, Any]:
    labels = [
        {"key": key, "operator": "In", "values": sorted(option.requirements.get(key).values)}
        for key in sorted((*OF_INSTANCE_TYPES, *OF_AUTO_MODE_TYPES))
        if key not in _OWN and key in option.requirements and option.requirements.get(key).operator == "In"
    ]
    return {
        "name": option.name,
        "architecture": option.kind.architecture,
        "operatingSystems": ["linux"],
        "resources": {
            name: f"{value + _TAKEN_OFF.get(name, 0)}m" for name, value in option.allocatable.items() if value > 0
        },
        "offerings": [
            {
                "Price": _UNKNOWN_PRICE if offering.price is None else offering.price,
                "Available": True,
                "Requirements": [
                    {"key": ZONE, "operator": "In", "values": [offering.zone]},
                    {"key": CAPACITY_TYPE, "operator": "In", "values": [offering.capacity_type]},
                    *labels,
                ],
            }
            for offering in option.offerings
        ],
    }
