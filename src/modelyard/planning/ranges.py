"""By how much what is measured differs from what is estimated: quantiles of errors, as data."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, hypot, log

from modelyard.catalog import Device
from modelyard.planning.speed import NEWER, Machine, speed_data

METRICS = ("ttft", "itl", "throughput")

BY_RANKS = ("to-two-ranks", "more-ranks")
BY_DEVICE_AND_KIND = ("dense-before-blackwell", "experts-before-blackwell", "dense-blackwell", "experts-blackwell")
GROUPS = {"ttft": BY_RANKS, "itl": BY_DEVICE_AND_KIND, "throughput": BY_DEVICE_AND_KIND}
"""What errors of models left out differ by most: kernels of young devices and of experts, exchanges during prefill."""

STATED = 80
"""Share of measurements, in per cent, that a stated range holds."""

DECIDING = 70
"""Share whose upper end an objective must not lie below: one measurement in seven is slower. Chosen on models that are
fitted on, left out one by one, as the least with which plans break their objectives in no more than 5 % of questions
(`scripts/plan_table.py`)."""


@dataclass(frozen=True, slots=True)
class Range:
    """A median with the ends between which 80 % of measurements lie.

    Attributes:
        low: Lower end.
        middle: The estimate.
        high: Upper end.
        deciding: What an objective must not lie below to be met; between `middle` and `high`.
    """

    low: float
    middle: float
    high: float
    deciding: float

    def times(self, factor: float) -> Range:
        """Return the range of a multiple."""
        return Range(self.low * factor, self.middle * factor, self.high * factor, self.deciding * factor)

    def inside(self, limit: float | None) -> str:
        """Return how a limit lies to the range: `meets`, `unsure` or `misses`; `meets` without a limit."""
        if limit is None or self.deciding <= limit:
            return "meets"
        return "misses" if self.low > limit else "unsure"


def group_of(metric: str, machine: Machine) -> str:
    """Return the group whose errors hold for a model on its ranks."""
    names = GROUPS[metric]
    if names is BY_RANKS:
        return names[machine.ranks > 2]
    young = (machine.device.compute_capability or (0, 0)) >= NEWER
    return names[2 * young + bool(machine.work.experts)]


def estimated(metric: str, value: float, machine: Machine, version: tuple[int, ...] | None) -> Range:
    """Return the range of an estimate that no run of one's own narrows.

    The factor is a quantile of the errors that models of the same group had when they were left out of the fit; whether
    the next model is faster or slower is not known, so it holds both ways. A device with few points, and an engine that
    is newer than those of the points or of before 0.8, add the errors that those have.

    Args:
        metric: `ttft`, `itl` or `throughput`.
        value: The estimate.
        machine: The model on its ranks.
        version: The engine's version; None where it is not known.
    """
    stated, deciding = (exp(_size(metric, machine, version, share)) for share in (STATED, DECIDING))
    return Range(value / stated, value, value * stated, value * deciding)


def _size(metric: str, machine: Machine, version: tuple[int, ...] | None, share: int) -> float:
    """Return the logarithm of the factor within which a share of the measurements lies, in per cent."""
    told, at = speed_data(), str(share)
    size = log(float(told["ranges"][metric][group_of(metric, machine)][at]))
    # Independent errors add up in the squares of their logarithms.
    if not is_measured(machine.device):
        size = hypot(size, log(float(told["ranges-of-other-devices"][metric][at])))
    if newer_than_points(version):
        size = hypot(size, log(float(told["version-factor"][metric])))
    elif is_old(version):
        size = hypot(size, log(float(told["ranges-of-older-engines"][metric][at])))
    return size


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
