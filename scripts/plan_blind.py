"""Estimate public measurements that no fit has seen and nothing was chosen by.

    scripts/plan_blind.py

Reads scripts/planning/blind.json and public.json. Prints, for each model and device, the median error between tokens,
to the first token and of tokens a second, and the share of points inside the stated 80 % range, as Markdown.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from math import exp, log

from fit_speed import quantile
from modelyard.planning.ranges import estimated
from planning.public import METRICS, PublicPoint, public_points

HEADS = {"itl": "between tokens", "ttft": "to the first token", "throughput": "tokens a second"}


def points() -> tuple[PublicPoint, ...]:
    """Return every public point that is never fitted on."""
    return tuple(point for point in public_points() if point.held_out)


def table(file: str) -> Iterator[str]:
    """Yield the lines of the table of a file."""
    rows = [point for point in points() if point.file == file]
    yield "| | " + " | ".join(f"{HEADS[metric]}: points, median error, range holds" for metric in METRICS) + " |"
    yield "|---|" + "---|" * len(METRICS)
    for key in sorted({(each.family, each.dtype, each.gpu) for each in rows}):
        yield f"| {' '.join(key)} | {_cells([p for p in rows if (p.family, p.dtype, p.gpu) == key])} |"
    yield f"| all | {_cells(rows)} |"


def _cells(rows: Sequence[PublicPoint]) -> str:
    cells = []
    for metric in METRICS:
        known = [(each, found[metric]) for each in rows if metric in (found := each.estimate())]
        if not known:
            cells.append("none" if any(metric in each.measured for each in rows) else "")
            continue
        middle = quantile([abs(exp(log(value / each.measured[metric])) - 1) for each, value in known], 0.5)
        held = sum(_inside(each, metric, value) for each, value in known) / len(known)
        cells.append(f"{len(known)}, {middle:.0%}, {held:.0%}")
    return " | ".join(cells)


def _inside(point: PublicPoint, metric: str, value: float) -> bool:
    found = estimated(metric, value, point.machine, point.version)
    return found.low <= point.measured[metric] <= found.high


if __name__ == "__main__":
    sys.stdout.write(
        "\n".join(["blind.json", "", *table("blind.json"), "", "public.json", "", *table("public.json")]) + "\n"
    )
