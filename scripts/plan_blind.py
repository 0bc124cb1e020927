"""Estimate public measurements that no fit has seen and nothing was chosen by.

    scripts/plan_blind.py

Reads scripts/planning/blind.json. Prints, for each model and device, the median error between tokens and to the first
token, and the share of points inside the stated 80 % range, as Markdown.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, log
from pathlib import Path
from typing import Any

from catalog_benchmarks import family_of, shape_of
from fit_speed import quantile
from modelyard.planning.floor import floor
from modelyard.planning.ranges import Range, estimated
from modelyard.planning.speed import Lengths, Machine, speed
from modelyard.planning.work import model_work
from modelyard.sizing.engine_defaults import parsed_version
from planning.points import FOLDER, benchmark_device

METRICS = (("itl", "between tokens"), ("ttft", "to the first token"))


@dataclass(frozen=True, slots=True)
class Blind:
    """One measured point with its estimate.

    Attributes:
        family: The model without its variants.
        gpu: Its device.
        dtype: How its weights are stored.
        measured: Milliseconds by metric; a metric that was not measured is missing.
        ranges: The stated 80 % range of each.
        below: Whether a measured time is below the floor.
    """

    family: str
    gpu: str
    dtype: str
    measured: dict[str, float]
    ranges: dict[str, Range]
    below: bool

    def error(self, metric: str) -> float:
        """Return the logarithm of estimated over measured."""
        return log(self.ranges[metric].middle / self.measured[metric])

    def inside(self, metric: str) -> bool:
        """Return whether the measured time lies in the stated range."""
        return self.ranges[metric].low <= self.measured[metric] <= self.ranges[metric].high


@cache
def points() -> tuple[Blind, ...]:
    """Return every blind point."""
    rows = json.loads((FOLDER / "blind.json").read_text(encoding="utf-8"))["points"]
    return tuple(_point(row) for row in rows)


def _point(row: dict[str, Any]) -> Blind:
    found, device = family_of(row["model"]), benchmark_device(row["gpu"])
    if found is None or device is None:
        raise ValueError(f"point {row['id']}: model or device is not known")
    shape = shape_of(found[1].get(row["dtype"]) or found[1].get("", ""), row["dtype"], Path())
    if shape is None:
        raise ValueError(f"point {row['id']}: the shape of {row['model']} is not known")
    machine = Machine(model_work(shape), device, row["ranks"])
    lengths = Lengths(row["prompt"], row["output"], row.get("reuse", 0.0))
    guess, least = speed(machine, lengths, row["requests"]), floor(machine, lengths)
    if guess is None:
        raise ValueError(f"point {row['id']}: a fact of {row['gpu']} is missing")
    measured = {metric: row[f"{metric}-ms"] for metric, _ in METRICS if f"{metric}-ms" in row}
    # Where the engine's version is not stated it is of the points' own time.
    version = parsed_version(row.get("version", "")) or (0, 17, 0)
    ranges = {
        metric: estimated(metric, value, machine, version)
        for metric, value in (("itl", guess.itl_ms), ("ttft", guess.ttft_ms))
    }
    lowest = {"itl": least.itl_ms, "ttft": least.ttft_ms}
    below = any(value < (lowest[metric] or 0.0) for metric, value in measured.items())
    return Blind(found[0], row["gpu"], row["dtype"], measured, ranges, below)


def table() -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| | " + " | ".join(f"points {what} | median error | 80 % range holds" for _, what in METRICS) + " |"
    yield "|---|" + "---|" * 6
    groups = sorted({(each.family, each.dtype, each.gpu) for each in points()})
    for family, dtype, gpu in groups:
        rows = [each for each in points() if (each.family, each.dtype, each.gpu) == (family, dtype, gpu)]
        yield f"| {family} {dtype} {gpu} | {_cells(rows)} |"
    yield f"| all | {_cells(points())} |"


def _cells(rows: Sequence[Blind]) -> str:
    cells = []
    for metric, _ in METRICS:
        known = [each for each in rows if metric in each.measured]
        if known:
            middle = quantile([abs(exp(each.error(metric)) - 1) for each in known], 0.5)
            held = sum(each.inside(metric) for each in known) / len(known)
            cells.append(f"{len(known)} | {middle:.0%} | {held:.0%}")
        else:
            cells.append("0 | | ")
    return " | ".join(cells)


if __name__ == "__main__":
    sys.stdout.write("\n".join(table()) + "\n")
