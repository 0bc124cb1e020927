"""Prices of AWS services beside instances, each with its source and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

DATA = Path(__file__).parent / "data" / "prices.yaml"

FREE_IOPS, FREE_THROUGHPUT = 3000, 125
"""What a gp3 volume has without being paid for."""

HOURS_PER_MONTH = 730.0
"""Hours that a month is counted with, as AWS's own calculator does."""


@dataclass(frozen=True, slots=True)
class ServicePrice:
    """The price of one unit of a service.

    Attributes:
        name: Such as `eks-control-plane`.
        usd: USD for one unit; None where no source shows it.
        per: The unit: `hour`, `month`, `gib-month`, or what is paid by use: `gb`, `unit-hour`.
        status: `published` by AWS or in its guides, `read` in somebody else's table, `inferred`, or `unknown`.
        source: Where it was read.
        region: Region that it was read for.
        alike: Regions that are taken to ask the same; any other region's price is unknown.
    """

    name: str
    usd: float | None
    per: str
    status: str
    source: str
    region: str
    alike: tuple[str, ...]

    def per_hour(self, region: str) -> float | None:
        """Return USD an hour of one unit in a region; None where unknown, and for what is paid by use."""
        if self.usd is None or self.status_in(region) == "unknown" or self.per in ("gb", "unit-hour"):
            return None
        return self.usd if self.per == "hour" else self.usd / HOURS_PER_MONTH

    def status_in(self, region: str) -> str:
        """Return how the price is known in a region."""
        if region == self.region:
            return self.status
        return "inferred" if region in self.alike and self.usd is not None else "unknown"


@cache
def service_prices() -> Mapping[str, ServicePrice]:
    """Return every price by name."""
    import yaml

    raw: dict[str, Any] = yaml.safe_load(DATA.read_text(encoding="utf-8"))
    alike = tuple(raw["alike"])
    return MappingProxyType(
        {
            row["name"]: ServicePrice(
                row["name"],
                row.get("usd"),
                row["per"],
                row["status"],
                raw["sources"][row["source"]],
                raw["region"],
                alike,
            )
            for row in raw["prices"]
        }
    )
