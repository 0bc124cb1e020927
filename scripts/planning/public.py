"""Public measurements that were found later, in `blind.json` and `public.json`: some are never fitted on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import log
from pathlib import Path
from typing import Any

from catalog_benchmarks import family_of, shape_of
from modelyard.planning.floor import floor
from modelyard.planning.speed import NEWER, Lengths, Machine, Speed, SpeedParameters, at_rate, speed
from modelyard.planning.work import model_work
from modelyard.sizing.engine_defaults import parsed_version
from planning.points import FOLDER, benchmark_device, room

FILES = ("blind.json", "public.json")
METRICS = ("itl", "ttft", "throughput")
MOST = 256.0
"""Requests at once beyond which an open load is past saturation: vLLM's own limit on devices of less than 70 GiB."""

UNSTATED = (0, 17, 0)
"""Engine of points that do not state theirs: one of the points' own time."""

BLACKWELL_SINCE = (0, 10)
"""Engine from which on there are kernels for the youngest devices."""


@dataclass(frozen=True, slots=True)
class PublicPoint:
    """One measured point.

    Attributes:
        file: File that it is in.
        family: The model without its variants.
        gpu: Its device.
        dtype: How its weights are stored.
        machine: The model on its ranks.
        lengths: The lengths of requests.
        requests: Requests at once; None where they arrive at rates.
        rates: Requests a second, over whose arrivals the times are means.
        measured: Milliseconds, or tokens a second, by metric; what was not measured is missing.
        version: The engine's version.
        held_out: Whether it is never fitted on.
    """

    file: str
    family: str
    gpu: str
    dtype: str
    machine: Machine
    lengths: Lengths
    requests: float | None
    rates: tuple[float, ...]
    measured: Mapping[str, float]
    version: tuple[int, ...]
    held_out: bool

    def estimate(self, told: SpeedParameters | None = None) -> Mapping[str, float]:
        """Return the estimates of what was measured; empty where the load is more than the devices carry."""
        if self.requests is not None:
            found = [(1.0, speed(self.machine, self.lengths, self.requests, told))]
        else:
            most = max(1.0, min(room(self.machine, self.lengths), MOST))
            found = [(rate, at_rate(self.machine, self.lengths, rate, most, told)) for rate in self.rates]
        known = [(weight, each) for weight, each in found if each is not None]
        if len(known) < len(found):
            return {}
        whole = sum(weight for weight, _ in known)
        return {
            metric: sum(weight * _value(metric, each) for weight, each in known) / whole for metric in self.measured
        }

    def errors(self, told: SpeedParameters | None = None) -> tuple[float, float]:
        """Return the logarithms of estimated over measured, TTFT and ITL; nought for one that was not measured.

        Tokens a second stand for the time between tokens where that was not measured.
        """
        found = self.estimate(told)
        off = {metric: log(value / self.measured[metric]) for metric, value in found.items()}
        return off.get("ttft", 0.0), off.get("itl", -off.get("throughput", 0.0))

    @property
    def below(self) -> bool:
        """Return whether a measured time is below the floor."""
        least = floor(self.machine, self.lengths)
        lowest = {"itl": least.itl_ms, "ttft": least.ttft_ms}
        return any(value < (lowest.get(metric) or 0.0) for metric, value in self.measured.items())

    @property
    def fitted_on(self) -> bool:
        """Return whether it may be fitted on: its engine has the device's kernels."""
        young = (self.machine.device.compute_capability or (0, 0)) >= NEWER
        return not self.held_out and not (young and self.version < BLACKWELL_SINCE)


def _value(metric: str, found: Speed) -> float:
    return {"itl": found.itl_ms, "ttft": found.ttft_ms, "throughput": found.output_tokens_per_s}[metric]


@cache
def public_points() -> tuple[PublicPoint, ...]:
    """Return every point of both files."""
    return tuple(
        _point(name, row) for name in FILES for row in json.loads((FOLDER / name).read_text(encoding="utf-8"))["points"]
    )


def _point(file: str, row: Mapping[str, Any]) -> PublicPoint:
    found, device = family_of(row["model"]), benchmark_device(row["gpu"])
    home = (found[1].get(row["dtype"]) or found[1].get("", "")) if found is not None else row["model"]
    shape = shape_of(home, row["dtype"], Path())
    if device is None or shape is None:
        raise ValueError(f"{file}: point {row['id']}: model or device is not known")
    version = parsed_version(row.get("version", "")) or UNSTATED
    names = {"itl": "itl-ms", "ttft": "ttft-ms", "throughput": "output-tokens-per-s"}
    return PublicPoint(
        file=file,
        family=row.get("family") or (found[0] if found is not None else row["model"]),
        gpu=row["gpu"],
        dtype=row["dtype"],
        machine=Machine(model_work(shape), device, row["ranks"], version),
        lengths=Lengths(row["prompt"], row["output"], row.get("reuse", 0.0)),
        requests=row.get("requests"),
        rates=tuple(row.get("rates", ())),
        measured={metric: row[name] for metric, name in names.items() if name in row},
        version=version,
        held_out=row.get("held-out", True),
    )
