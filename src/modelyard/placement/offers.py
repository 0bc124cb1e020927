"""What a region offers to an environment, from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from modelyard import catalog
from modelyard.placement.instance_options import Offer


@cache
def offers(region_name: str, zones: tuple[str, ...]) -> Mapping[str, Offer]:
    """Return where each instance type is offered; empty for a region that the catalogue does not have.

    A zone name stands for another zone id in every account. A type that all zones of the region have is offered in
    every zone of the environment; of any other it is only known in how many zones it is at least.

    Args:
        region_name: The region.
        zones: Names of the environment's zones.
    """
    found = catalog.region(region_name)
    if found is None:
        return {}
    everywhere = len(found.zone_ids)

    def to_environment(offer: catalog.Offer) -> Offer:
        return Offer(
            zones,
            offer.price.usd_per_hour,
            zone_ids=offer.zone_ids,
            certain_zones=max(0, len(offer.zone_ids) + min(len(zones), everywhere) - everywhere),
        )

    return catalog.Decoded(found.offers, to_environment)
