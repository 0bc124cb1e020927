"""By how much what is measured differs from what is estimated: quantiles of errors, as data."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, hypot, log

from modelyard.catalog import Device
from modelyard.planning.speed import Machine, speed_data

METRICS = ("ttft", "itl", "throughput")


@dataclass(frozen=True, slots=True)
class Range:
    """A median with the ends between which 80 % of measurements lie.

    Attributes:
        low: Lower end.
        middle: The estimate.
        high: Upper end.
    """

    low: float
    middle: float
    high: float

    def times(self, factor: float) -> Range:
        """Return the range of a multiple."""
        return Range(self.low * factor, self.middle * factor, self.high * factor)

    def inside(self, limit: float | None) -> str:
        """Return how a limit lies to the range: `meets`, `unsure` or `misses`; `meets` without a limit."""
        if limit is None or self.high <= limit:
            return "meets"
        return "misses" if self.low > limit else "unsure"


def estimated(metric: str, value: float, machine: Machine, version: tuple[int, ...] | None) -> Range:
    """Return the range of an estimate that no run of one's own narrows.

    The factor is a quantile of the errors that models of the same kind, dense or with experts, had when they were left
    out of the fit; whether the next model is faster or slower is not known, so it holds both ways. A device with few
    points, and an engine that is newer than those of the points or of before 0.8, add the errors that those have.

    Args:
        metric: `ttft`, `itl` or `throughput`.
        value: The estimate.
        machine: The model on its ranks.
        version: The engine's version; None where it is not known.
    """
    told = speed_data()
    kind = "experts" if machine.work.experts else "dense"
    size = log(float(told["ranges"][metric][kind]["80"]))
    # Independent errors add up in the squares of their logarithms.
    if not is_measured(machine.device):
        size = hypot(size, log(float(told["ranges-of-other-devices"][metric]["80"])))
    if newer_than_points(version):
        size = hypot(size, log(float(told["version-factor"][metric])))
    elif is_old(version):
        size = hypot(size, log(float(told["ranges-of-older-engines"][metric]["80"])))
    return Range(value / exp(size), value, value * exp(size))


def tail(metric: str, percentile: int) -> float:
    """Return by how much a percentile lies above the median; what lies between two known ones is interpolated."""
    told = {50: 1.0, **{int(each): float(f) for each, f in speed_data()["tails"][metric].items()}}
    if percentile in told:
        return told[percentile]
    below = max(each for each in told if each < percentile)
    above = min(each for each in told if each > percentile)
    share = (log(100 - below) - log(100 - percentile)) / (log(100 - below) - log(100 - above))
    return exp(log(told[below]) + share * (log(told[above]) - log(told[below])))


def is_measured(device: Device) -> bool:
    """Return whether enough points are of a device."""
    found = speed_data()["measured-devices"].get(point_name(device))
    return bool(found) and not found["sparse"]


def point_name(device: Device) -> str:
    """Return a device's name among the points, which tell the two A100 apart."""
    if device.name == "A100":
        return "A100-40GB" if device.nominal_mib == 40960 else "A100-80GB"
    return device.name


def is_old(version: tuple[int, ...] | None) -> bool:
    """Return whether an engine is older than those that ranges are of."""
    before = tuple(map(int, speed_data()["ranges-of-older-engines"]["before"].split(".")))
    return version is not None and tuple(version[:2]) < before


def newer_than_points(version: tuple[int, ...] | None) -> bool:
    """Return whether an engine is newer than every point, or of unknown version."""
    newest = tuple(map(int, speed_data()["engine-versions"][1].split(".")))
    return version is None or tuple(version[:2]) > newest
