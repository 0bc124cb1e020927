"""What ranges rest on: published measurements, or load tests of one's own, which move and narrow them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, hypot, log

from modelyard.planning.ranges import Range, estimated, is_measured, newer_than_points, point_name, tail
from modelyard.planning.runs import Run
from modelyard.planning.speed import Lengths, Machine, speed, speed_data
from modelyard.planning.subjects import Subject
from modelyard.wording import counted

APART = 2.0
"""Two loads tell how errors change with the load when one is at least this many times the other."""

SHRUNK = 0.15
"""Runs that the estimate itself weighs as: with n runs the correction is n / (n + this) of what they show."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What one's own runs say of a metric at one load.

    Attributes:
        requests: Requests at once.
        error: Logarithm of measured over estimated.
    """

    requests: float
    error: float


@dataclass(frozen=True)
class Basis:
    """What the ranges of a candidate rest on.

    Attributes:
        machine: The model on its ranks.
        version: The engine's version.
        scope: `deployment` where one's own runs are of this model, device, ranks and precision, `device` where other
            ranks were measured, empty without any.
        runs: Those runs.
        corrections: Of each metric, by load.
        tails: Measured percentile over median, by metric and percentile.
    """

    machine: Machine
    version: tuple[int, ...] | None
    scope: str = ""
    runs: tuple[Run, ...] = ()
    corrections: tuple[tuple[str, tuple[Correction, ...]], ...] = ()

    @property
    def calibrated(self) -> bool:
        """Return whether runs of this very deployment stand behind it."""
        return self.scope == "deployment"

    def range_of(self, metric: str, value: float, requests: float) -> Range:
        """Return the range of an estimated time at a number of requests at once."""
        found = dict(self.corrections).get(metric, ())
        if not found:
            return estimated(metric, value, self.machine, self.version)
        middle = value * exp(_interpolated(found, requests))
        low, high = _own_range(metric, self.scope, found)
        if any(run.version[:2] != (self.version or ())[:2] for run in self.runs):
            wider = log(float(speed_data()["version-factor"][metric]))
            low = exp(-hypot(log(1 / low), wider))
            high = exp(hypot(log(high), wider))
        return Range(middle * low, middle, middle * high, middle * high)

    def tail(self, metric: str, percentile: int) -> float:
        """Return by how much a percentile lies above the median: as the runs show, else as published ones do."""
        shown = [factor for run in self.runs if (factor := run.tail(metric, percentile)) is not None]
        return max(shown) if shown and self.calibrated else tail(metric, percentile)

    @property
    def words(self) -> str:
        """Return what it rests on, in words."""
        if self.scope:
            days = sorted(run.day for run in self.runs)
            count = counted(len(self.runs), "run")
            versions = sorted({run.version_text for run in self.runs})
            where = "of this deployment" if self.calibrated else "of this model and device with other ranks"
            return f"calibrated by {count} {where}, vLLM {', '.join(versions)}, last {days[-1]}"
        told = speed_data()["measured-devices"].get(point_name(self.machine.device))
        first, last = speed_data()["engine-versions"]
        points = (
            "no points"
            if told is None
            else (f"{counted(told['points'], 'point')} of {counted(len(told['families']), 'model')}")
        )
        few = "" if is_measured(self.machine.device) else ", whose ranges add the errors of other devices"
        newer = "; the engine is newer" if newer_than_points(self.version) else ""
        return f"estimated; {points} on {self.machine.device.name}{few} (vLLM {first} to {last}){newer}"


def _interpolated(found: Sequence[Correction], requests: float) -> float:
    """Return the correction at a load: between two that are far enough apart by its logarithm, else a mean."""
    ordered = sorted(found, key=lambda each: each.requests)
    shrunk = len(ordered) / (len(ordered) + SHRUNK)
    first, last = ordered[0], ordered[-1]
    if last.requests < APART * first.requests:
        return shrunk * sum(each.error for each in ordered) / len(ordered)
    if requests <= first.requests:
        return shrunk * first.error
    for low, high in pairwise(ordered):
        if requests <= high.requests and high.requests > low.requests:
            share = log(requests / low.requests) / log(high.requests / low.requests)
            return shrunk * (low.error + share * (high.error - low.error))
    return shrunk * last.error


def _own_range(metric: str, scope: str, found: Sequence[Correction]) -> tuple[float, float]:
    apart = max(each.requests for each in found) >= APART * min(each.requests for each in found)
    name = "device" if scope == "device" else "two-loads" if apart else "one-load"
    told = speed_data()["ranges-of-own-runs"][name][metric]
    return float(told["low-80"]), float(told["high-80"])


def basis_for(subject: Subject, machine: Machine, precision: str, runs: Sequence[Run]) -> Basis:
    """Return what the ranges of a way to serve a model rest on.

    Args:
        subject: The model.
        machine: The model on its ranks.
        precision: How its weights are stored.
        runs: Load tests that the repository keeps of the model.
    """
    version = subject.parsed_version
    on_device = [run for run in runs if run.device == point_name(machine.device) and run.precision == precision]
    exact = [run for run in on_device if run.ranks == machine.ranks]
    own, scope = (exact, "deployment") if exact else (on_device, "device")
    if not own:
        return Basis(machine, version)
    corrections = []
    for metric in ("ttft", "itl"):
        found = [each for run in own if (each := correction(metric, run, machine)) is not None]
        if found:
            corrections.append((metric, tuple(found)))
    return Basis(machine, version, scope, tuple(own), tuple(corrections))


def correction(metric: str, run: Run, machine: Machine) -> Correction | None:
    """Return what a run says of a metric; None where it does not say it."""
    measured = run.ttft_ms if metric == "ttft" else run.itl_ms
    at = Machine(machine.work, machine.device, run.ranks, run.version)
    found = speed(at, Lengths(run.prompt, run.output, run.reuse), run.requests)
    if measured is None or found is None:
        return None
    value = found.ttft_ms if metric == "ttft" else found.itl_ms
    return Correction(run.requests, log(measured / value))
