"""What a region offers to an environment, from the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from modelyard.catalog import InstanceType, instance_types, region
from modelyard.placement.instance_options import Offer


@cache
def offers(region_name: str, zones: tuple[str, ...]) -> dict[str, Offer]:
    """Return where each instance type is offered; empty for a region that the catalogue does not have.

    A zone name stands for another zone id in every account. A type that all zones of the region have is offered in
    every zone of the environment; of any other it is only known in how many zones it is at least.

    Args:
        region_name: The region.
        zones: Names of the environment's zones.
    """
    found = region(region_name)
    if found is None:
        return {}
    everywhere = len(found.zone_ids)
    return {
        offer.name: Offer(
            zones,
            offer.price.usd_per_hour,
            zone_ids=offer.zone_ids,
            certain_zones=max(0, len(offer.zone_ids) + min(len(zones), everywhere) - everywhere),
        )
        for offer in found.offers.values()
    }


def known_types(names: Sequence[str]) -> list[InstanceType]:
    """Return the facts about instance types, in the order of their names; those without facts are left out."""
    known = instance_types()
    return [known[name] for name in sorted(names) if name in known]
