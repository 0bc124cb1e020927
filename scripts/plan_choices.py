"""Compare forms of the ranges and rules of decision on the models that are fitted on, left out one by one.

    scripts/plan_choices.py

Everything that is chosen for `modelyard plan` is chosen here; models that are held out take no part (decisions 720 and
721). Each family of many points is estimated by a fit without it, and its ranges are quantiles of the errors that the
other families have when they are left out. Families count alike. The interval score is the width of an 80 % range plus
ten times what a measurement lies outside by, in logarithms; less is better.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from math import exp, log
from statistics import mean

from fit_speed import (
    OTHER_GROUP,
    SPARSE,
    Row,
    errors,
    families_left_out,
    fit,
    fitted_on,
    others,
    quantile,
    told_by,
    weighted_quantile,
)
from modelyard.planning.ranges import DECIDING, METRICS, STATED, group_of
from modelyard.planning.speed import NEWER
from plan_table import decide, measured
from planning.points import Benchmark, benchmarks

Grouping = Callable[[str, Benchmark], Hashable]

FORMS: dict[str, Grouping] = {
    "all together": lambda _, point: "",
    "dense or with experts": lambda _, point: bool(point.machine.work.experts),
    "more than two ranks": lambda _, point: point.ranks > 2,
    "Blackwell or before": lambda _, point: is_newer(point),
    "4-bit weights": lambda _, point: "4" in point.shape.rpartition(" ")[2],
    "more than 16 at once": lambda _, point: (point.requests or 1) > 16,
    "prompts of more than 4000 tokens": lambda _, point: point.prompt > 4000,
    "Blackwell and experts": lambda _, point: (is_newer(point), bool(point.machine.work.experts)),
    "as chosen": lambda metric, point: group_of(metric, point.machine),
}


def is_newer(point: Benchmark) -> bool:
    """Return whether a point's device is of the youngest generation."""
    return (point.device.compute_capability or (0, 0)) >= NEWER


class Judged:
    """The points of each family of many points, with the errors of a fit without it."""

    def __init__(self) -> None:
        points = [point for point in benchmarks() if fitted_on(point)]
        counts = Counter(point.gpu for point in points)
        rows = [row for own in families_left_out(points, fit([*points, *others()])).values() for row in own]
        self.rows = [row for row in rows if counts[row[0].gpu] >= SPARSE]
        many = Counter(row[0].family for row in self.rows)
        self.families = sorted(name for name, count in many.items() if count >= SPARSE)

    def of(self, family: str) -> list[Row]:
        """Return the points of a family."""
        return [row for row in self.rows if row[0].family == family]

    def size(self, metric: str, point: Benchmark, form: Grouping, share: int) -> float:
        """Return the logarithm of the factor that families other than the point's own give for it."""
        own = form(metric, point)
        values = [
            (abs(error(metric, row)), 1.0 if form(metric, row[0]) == own else OTHER_GROUP)
            for row in self.rows
            if row[0].family != point.family
        ]
        return weighted_quantile(values, share / 100)


def error(metric: str, row: Row) -> float:
    """Return the logarithm of estimated over measured of a metric."""
    point, first, second = row
    if metric == "throughput":
        ttft, itl = measured(point)
        return -log((ttft * exp(first) + itl * exp(second) * point.output) / (ttft + itl * point.output))
    return first if metric == "ttft" else second


def form_rows(judged: Judged) -> Iterator[str]:
    """Yield a line for each metric and form: its score, and what it holds of each family with which factor."""
    yield f"| | | interval score | holds | {' | '.join(judged.families)} |"
    yield "|---|---|---|---|" + "---|" * len(judged.families)
    for metric in METRICS:
        for name, form in FORMS.items():
            scores, shares, cells = [], [], []
            for family in judged.families:
                sizes: dict[Hashable, float] = {}
                found = []
                for row in judged.of(family):
                    group = form(metric, row[0])
                    if group not in sizes:
                        sizes[group] = judged.size(metric, row[0], form, STATED)
                    found.append((sizes[group], abs(error(metric, row))))
                scores.append(mean(2 * size + 10 * max(0.0, off - size) for size, off in found))
                shares.append(mean(off <= size for size, off in found))
                cells.append(f"{shares[-1]:.0%}, x{exp(mean(size for size, _ in found)):.2f}")
            yield f"| {metric} | {name} | {mean(scores):.3f} | {mean(shares):.0%} | {' | '.join(cells)} |"


def decision_rows(judged: Judged) -> Iterator[str]:
    """Yield a line for each share whose upper end decides."""
    yield "| upper end of | breaks its objective | cost, median | cost, 90 % |"
    yield "|---|---|---|---|"
    points = [row[0] for family in judged.families for row in judged.of(family)]
    guessed = {
        row[0].id: tuple(value * exp(off) for value, off in zip(measured(row[0]), row[1:], strict=True))
        for row in judged.rows
    }

    def guess(point: Benchmark) -> tuple[float, float]:
        ttft, itl = guessed[point.id]
        return ttft, itl

    for share in (0, 40, 50, 60, DECIDING, STATED, 90):
        sizes: dict[Hashable, tuple[float, float]] = {}

        def ends(
            point: Benchmark,
            ttft: float,
            itl: float,
            share: int = share,
            sizes: dict[Hashable, tuple[float, float]] = sizes,
        ) -> tuple[float, float]:
            groups = group_of("ttft", point.machine), group_of("itl", point.machine)
            if (point.family, *groups) not in sizes:
                first, second = (judged.size(metric, point, FORMS["as chosen"], share) for metric in ("ttft", "itl"))
                sizes[point.family, *groups] = (exp(first), exp(second)) if share else (1.0, 1.0)
            first, second = sizes[point.family, *groups]
            return ttft * first, itl * second

        done = decide(points, guess, ends)
        costs = done.factors or [1.0]
        told = f"{done.broken} of {done.answered} ({done.broken / max(1, done.answered):.0%}), {done.asked} asked"
        name = f"{share} %" + (" (chosen)" if share == DECIDING else "") if share else "no range"
        yield f"| {name} | {told} | x{quantile(costs, 0.5):.2f} | x{quantile(costs, 0.9):.2f} |"


def old_engines() -> Iterator[str]:
    """Yield what engines of before 0.8 do to the fit: errors of each family, left out, with them and without."""
    yield "| fitted on | family | between tokens, median error and its sign | to the first token |"
    yield "|---|---|---|---|"
    every = [point for point in benchmarks() if not point.held_out and point.steady]
    every = [point for point in every if not (point.version or "").startswith("0.4")]
    for name, points in (("engines of 0.8 and later", [p for p in every if fitted_on(p)]), ("all engines", every)):
        values = fit(points)
        for family in sorted(
            family for family, count in Counter(p.family for p in every if fitted_on(p)).items() if count >= SPARSE
        ):
            told = told_by(fit([point for point in points if point.family != family], values, 6))
            found = [errors(p, told) for p in every if p.family == family and fitted_on(p)]
            yield f"| {name} | {family} | {_off([b for _, b in found])} | {_off([a for a, _ in found])} |"


def _off(values: Sequence[float]) -> str:
    return f"{quantile([abs(exp(value) - 1) for value in values], 0.5):.0%}, {quantile(values, 0.5):+.2f}"


def main() -> int:
    """Print the tables."""
    judged = Judged()
    for lines in (old_engines(), form_rows(judged), decision_rows(judged)):
        sys.stdout.write("\n".join(lines) + "\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
