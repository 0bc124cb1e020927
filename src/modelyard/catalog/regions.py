"""Which instance types a region offers, in which zones, at which on-demand price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from modelyard.catalog.loading import DATA, Decoded, read_json


class PriceStatus(StrEnum):
    """How a price is known."""

    PUBLISHED = "published"  # read from a table made from AWS's price list
    READ = "read"  # read by hand in a public table
    INFERRED = "inferred"  # follows from an older price of the region; shown as such
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Price:
    """An on-demand price of Linux with shared tenancy.

    Attributes:
        usd_per_hour: None where it is unknown; never 0.
        status: How it is known.
        date: Day of the price list.
        source: Where it was read, or how it was inferred.
    """

    usd_per_hour: float | None
    status: PriceStatus
    date: str
    source: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One instance type in one region.

    Attributes:
        name: Instance type.
        zone_ids: Zone ids (`usw2-az1`); which zone name they have differs from account to account.
        price: On-demand price.
    """

    name: str
    zone_ids: tuple[str, ...]
    price: Price


@dataclass(frozen=True, slots=True)
class Region:
    """What one region offers.

    Attributes:
        name: Such as `us-west-2`.
        zone_ids: All zone ids of the region.
        offers: By instance type; a type that is missing is not offered.
    """

    name: str
    zone_ids: tuple[str, ...]
    offers: Mapping[str, Offer]


@cache
def sources() -> Mapping[str, str]:
    """Return where each part of the EC2 data comes from."""
    return MappingProxyType(read_json("ec2", "sources.json"))


@cache
def regions() -> tuple[str, ...]:
    """Return the names of the regions in the data."""
    return tuple(sorted(path.stem for path in (DATA / "ec2" / "regions").glob("*.json")))


@cache
def region(name: str) -> Region | None:
    """Return what a region offers, or None for a region that the data do not have."""
    if name not in regions():
        return None
    raw = read_json("ec2", "regions", f"{name}.json")
    told = sources()
    date = told["published prices date"]
    unknown = Price(None, PriceStatus.UNKNOWN, date, "no source has a price that holds today")

    def offer(row: list[Any]) -> Offer:
        type_name, zones, *priced = row
        price = unknown
        if priced:
            status = PriceStatus(priced[1])
            price = Price(priced[0], status, date, told[f"{status.value} prices"])
        return Offer(type_name, tuple(raw["zones"][index] for index in zones), price)

    return Region(name, tuple(raw["zones"]), Decoded({row[0]: row for row in raw["types"]}, offer))
