"""Sums of money with a lower and an upper end, and what is missing in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal

from modelyard.costing.prices import HOURS_PER_MONTH


@dataclass(frozen=True, slots=True)
class Amount:
    """USD an hour.

    Attributes:
        low: Lower end; the same as `high` where the price is known.
        high: Upper end.
        unknown: What has no known price and is in neither; an amount with unknown parts is only a lower bound.
    """

    low: float = 0.0
    high: float = 0.0
    unknown: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Return whether every part has a price."""
        return not self.unknown

    @property
    def month(self) -> tuple[float, float]:
        """Return both ends for a month of 730 hours."""
        return self.low * HOURS_PER_MONTH, self.high * HOURS_PER_MONTH

    def times(self, factor: float) -> Amount:
        """Return so many of it; none of something unknown is known to cost nothing."""
        return Amount(self.low * factor, self.high * factor, self.unknown if factor else ())

    def __add__(self, other: Amount) -> Amount:
        """Return both together."""
        unknown = tuple(dict.fromkeys((*self.unknown, *other.unknown)))
        return Amount(self.low + other.low, self.high + other.high, unknown)


NOTHING = Amount()


def known(usd_per_hour: float | None, what: str) -> Amount:
    """Return an amount for a price that is known, or the gap named `what` for one that is not."""
    return Amount(unknown=(what,)) if usd_per_hour is None else Amount(usd_per_hour, usd_per_hour)


def together(amounts: Iterable[Amount]) -> Amount:
    """Return the sum."""
    total = NOTHING
    for each in amounts:
        total = total + each
    return total


@dataclass(frozen=True, slots=True)
class Scale:
    """What something costs with as few pods as allowed, with as many, and while it rolls at full scale.

    Attributes:
        floor: With the least.
        ceiling: With the most.
        rolling: With the most, and what a rollout adds for a while.
    """

    floor: Amount = NOTHING
    ceiling: Amount = NOTHING
    rolling: Amount = NOTHING

    @classmethod
    def steady(cls, amount: Amount) -> Scale:
        """Return what costs the same at every scale."""
        return cls(amount, amount, amount)

    def __add__(self, other: Scale) -> Scale:
        """Return both together."""
        return Scale(self.floor + other.floor, self.ceiling + other.ceiling, self.rolling + other.rolling)


@dataclass(frozen=True, slots=True)
class CostLine:
    """One row of a bill.

    Attributes:
        name: What it is.
        quantity: How many of what, in words.
        cost: What it costs.
        status: How the price is known.
        source: Where the price was read.
    """

    name: str
    quantity: str
    cost: Scale
    status: str
    source: str


def printed(usd: float, *, total: bool = False) -> str:
    """Return USD with two decimals and separators.

    Half a cent is rounded up in a row, and down in a total, which is the sum of rows that were not rounded: a printed
    total is never above what they add up to. The bill that AWS's guide prints follows the same rule.
    """
    exact = Decimal(f"{usd:.6f}")  # what binary fractions add beyond a millionth is not money
    return f"{exact.quantize(Decimal('0.01'), ROUND_HALF_DOWN if total else ROUND_HALF_UP):,}"
