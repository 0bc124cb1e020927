"""Fit the parameters of `modelyard.planning.speed` on published measurements, and the ranges on models left out.

    scripts/fit_speed.py

Reads scripts/planning/benchmarks.json; writes src/modelyard/planning/data/speed.json. Points whose family is held out
take no part. Fitted are the logarithms of the parameters on the logarithms of the measured times, by damped least
squares (Levenberg and Marquardt) with weights that keep outliers and families with many points from deciding alone, and
with a prior for each parameter, since some cannot be told apart by the points (a share of the peak and an overhead).

Engines of before 0.8 take no part: their host took as long as their device, which the parameters would carry over.

Ranges are quantiles of the errors that each family has when it is left out of the fit, on devices with many points.
They are of a group (`planning.ranges.group_of`); points of the other group count a quarter, since families are few. A
device with few points adds the errors that devices have when they are left out. They are data of the same file.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from math import exp, log, sqrt
from typing import Any

from modelyard.planning.ranges import GROUPS, METRICS, group_of
from modelyard.planning.speed import DATA, SpeedParameters, at_rate, speed
from planning.points import Benchmark, benchmarks, room
from planning.public import PublicPoint, public_points

Measured = Benchmark | PublicPoint
"""What is fitted on."""

PRIORS: dict[str, tuple[float, float]] = {
    "decode_compute": (0.5, 0.2),
    "prefill_compute": (0.6, 0.15),
    "eight_bits": (0.8, 0.2),
    "four_bits": (0.6, 0.25),
    "attention_compute": (0.4, 0.3),
    "expert_compute": (0.5, 0.35),
    "weight_bandwidth": (0.75, 0.12),
    "expert_bandwidth": (0.7, 0.25),
    "unpacked_experts": (0.7, 0.3),
    "cache_bandwidth": (0.7, 0.2),
    "step_ms": (1.0, 3.0),
    "layer_us": (20.0, 3.0),
    "expert_layer_us": (20.0, 3.0),
    "prefill_layer_us": (100.0, 1.5),
    "exchange_us": (10.0, 3.0),
    "link_bandwidth": (0.5, 1.0),
    "request_ms": (10.0, 3.0),
    "newer_compute": (0.8, 0.25),
    "queue": (0.5, 0.5),
    "together": (0.1, 1.0),
    "interleaving": (0.8, 0.2),
    "overlap": (2.0, 0.5),
    "prompt_us": (2.0, 1.0),
    "host_ms": (1.0, 0.7),
}
"""Where each parameter is expected, and how far off in logarithms: as batch-1 runs and large products show."""

NAMES = tuple(PRIORS)
PRIOR_WEIGHT = 0.0025
TTFT_WEIGHT = 0.25
ROUND = 0.3
"""Errors beyond this count less (Charbonnier)."""
SPARSE = 30
"""Points of a device from which on it counts as measured."""


def fitted_on(point: Benchmark) -> bool:
    """Return whether a point may be fitted on."""
    return not point.held_out and usable(point) and recent(point)


def usable(point: Benchmark) -> bool:
    """Return whether a point speaks of a steady state."""
    return point.steady and not (point.version or "").startswith("0.4")


def predicted(point: Benchmark, told: SpeedParameters) -> tuple[float, float]:
    """Return TTFT and ITL of a point in milliseconds."""
    found = speed(point.machine, point.lengths, point.requests or 1.0, told)
    if found is None:
        raise ValueError(f"point {point.id}: a fact of {point.gpu} is missing")
    return found.ttft_ms, found.itl_ms


def errors(point: Measured, told: SpeedParameters) -> tuple[float, float]:
    """Return the logarithms of predicted over measured, TTFT and ITL; nought for one that was not measured."""
    if isinstance(point, PublicPoint):
        return point.errors(told)
    ttft, itl = predicted(point, told)
    return log(ttft / (point.ttft_ms or 1.0)), log(itl / (point.itl_ms or 1.0))


def told_by(values: Sequence[float]) -> SpeedParameters:
    """Return parameters from their logarithms."""
    return SpeedParameters(**{name: exp(value) for name, value in zip(NAMES, values, strict=True)})


def fit(points: Sequence[Measured], start: Sequence[float] | None = None, steps: int = 12) -> list[float]:
    """Return the logarithms of the fitted parameters."""
    groups = Counter((point.family, point.gpu) for point in points)
    weights: list[float] = [groups[point.family, point.gpu] ** -0.7 for point in points]
    mean = sum(weights) / len(weights)
    weights = [weight / mean for weight in weights]
    centre = [log(PRIORS[name][0]) for name in NAMES]
    spread = [PRIORS[name][1] for name in NAMES]
    values, damping = list(start or centre), 1e-3

    def residuals(at: Sequence[float]) -> list[tuple[float, float]]:
        told = told_by(at)
        return [errors(point, told) for point in points]

    def cost(at: Sequence[float], found: list[tuple[float, float]]) -> float:
        total = sum(
            weight * (TTFT_WEIGHT * _rounded(first) + _rounded(second))
            for weight, (first, second) in zip(weights, found, strict=True)
        )
        prior = sum(((value - c) / s) ** 2 for value, c, s in zip(at, centre, spread, strict=True))
        return total + PRIOR_WEIGHT * len(points) * prior

    now = residuals(values)
    best = cost(values, now)
    for _ in range(steps):
        slopes = []
        for index in range(len(values)):
            moved = list(values)
            moved[index] += 1e-4
            slopes.append(
                [((a - c) / 1e-4, (b - d) / 1e-4) for (a, b), (c, d) in zip(residuals(moved), now, strict=True)]
            )
        matrix, right = _normal(slopes, now, weights)
        for index in range(len(values)):
            prior = PRIOR_WEIGHT * len(points) / spread[index] ** 2
            matrix[index][index] += prior
            right[index] -= prior * (values[index] - centre[index])
        for _attempt in range(6):
            damped = [list(row) for row in matrix]
            for index in range(len(values)):
                damped[index][index] *= 1 + damping
            tried = [value + step for value, step in zip(values, solved(damped, right), strict=True)]
            found = residuals(tried)
            after = cost(tried, found)
            if after < best:
                gain = best - after
                values, now, best, damping = tried, found, after, damping / 3
                break
            damping *= 4
        else:
            break
        if gain < 1e-4 * best:
            break
    return values


def _rounded(error: float) -> float:
    return 2 * ROUND**2 * (sqrt(1 + (error / ROUND) ** 2) - 1)


def _normal(
    slopes: list[list[tuple[float, float]]], now: list[tuple[float, float]], weights: list[float]
) -> tuple[list[list[float]], list[float]]:
    """Return the normal equations of the weighted points; each error's weight falls as it grows."""
    first = [TTFT_WEIGHT * w / sqrt(1 + (a / ROUND) ** 2) for w, (a, _) in zip(weights, now, strict=True)]
    second = [w / sqrt(1 + (b / ROUND) ** 2) for w, (_, b) in zip(weights, now, strict=True)]
    count = len(slopes)
    matrix = [[0.0] * count for _ in range(count)]
    right = [0.0] * count
    for i in range(count):
        weighted = [(a * f, b * s) for (a, b), f, s in zip(slopes[i], first, second, strict=True)]
        right[i] = -sum(a * x + b * y for (a, b), (x, y) in zip(weighted, now, strict=True))
        for j in range(i + 1):
            value = sum(a * c + b * d for (a, b), (c, d) in zip(weighted, slopes[j], strict=True))
            matrix[i][j] = matrix[j][i] = value
    return matrix, right


def solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Return the solution of linear equations by Gauss's elimination with pivots; changes its arguments."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    count = len(rows)
    for at in range(count):
        pivot = max(range(at, count), key=lambda row: abs(rows[row][at]))
        rows[at], rows[pivot] = rows[pivot], rows[at]
        for below in range(at + 1, count):
            factor = rows[below][at] / rows[at][at]
            for column in range(at, count + 1):
                rows[below][column] -= factor * rows[at][column]
    found = [0.0] * count
    for at in reversed(range(count)):
        rest = sum(rows[at][column] * found[column] for column in range(at + 1, count))
        found[at] = (rows[at][count] - rest) / rows[at][at]
    return found


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile, interpolated between the two nearest."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


Row = tuple[Benchmark, float, float]
"""A point with its two errors."""

SHARES = (50, 70, 80, 90)
OTHER_GROUP = 0.25
"""What a point of another group counts in a group's quantiles: families are too few for groups of their own."""

OLD = (0, 8)
"""Version of the engine from which on prefill and decoding share steps, and the host works beside the device."""


def recent(point: Benchmark) -> bool:
    """Return whether a point's engine is of 0.8 or later, or not stated: before, prefill and decoding took turns."""
    parts = (point.version or "").split(".")
    return not (len(parts) > 1 and all(each.isdigit() for each in parts[:2]) and tuple(map(int, parts[:2])) < OLD)


def error_of(metric: str, row: Row) -> float:
    """Return the logarithm of predicted over measured, of a metric."""
    point, first, second = row
    return {"ttft": first, "itl": second, "throughput": _throughput(point, first, second)}[metric]


def factors(values: Sequence[float]) -> dict[str, float]:
    """Return the factors by or over which shares of the errors lie, of either sign.

    Whether a family is faster or slower than others like it is not known of the next one, so the sign does not count.
    """
    sizes = [abs(each) for each in values]
    return {str(share): round(exp(quantile(sizes, share / 100)), 3) for share in SHARES}


def weighted_quantile(values: Sequence[tuple[float, float]], share: float) -> float:
    """Return the least value below or at which a share of the weights lies.

    Args:
        values: Values with their weights.
        share: The share.
    """
    total, reached = sum(weight for _, weight in values), 0.0
    for value, weight in sorted(values):
        reached += weight
        if reached >= share * total:
            return value
    raise ValueError("there are no values")


def group_factors(rows: Sequence[Row], metric: str, group: str) -> dict[str, float]:
    """Return the factors of a group, to which points of the others are drawn in with a lesser weight."""
    sizes = [
        (abs(error_of(metric, row)), 1.0 if group_of(metric, row[0].machine) == group else OTHER_GROUP) for row in rows
    ]
    return {str(share): round(exp(weighted_quantile(sizes, share / 100)), 3) for share in SHARES}


def ends(values: Sequence[float]) -> dict[str, float]:
    """Return factors by which what is measured lies below and above what is predicted, for shares of the points."""
    found = {}
    for share in (50, 80, 90, 95):
        rest = (1 - share / 100) / 2
        # An error is predicted over measured; measured over predicted is its inverse.
        found[f"low-{share}"] = round(exp(-quantile(values, 1 - rest)), 3)
        found[f"high-{share}"] = round(exp(-quantile(values, rest)), 3)
    return found


def others() -> list[Measured]:
    """Return the public points that may be fitted on."""
    return [point for point in public_points() if point.fitted_on]


def families_left_out(points: Sequence[Benchmark], values: Sequence[float]) -> dict[str, list[Row]]:
    """Return the points of each family with the errors of a fit without it; public points take part in the fits.

    Args:
        points: The points.
        values: Logarithms of the parameters that all points give, where the fits start.
    """
    found = {}
    for family in sorted({point.family for point in points}):
        told = told_by(fit([point for point in (*points, *others()) if point.family != family], values, 4))
        found[family] = [(point, *errors(point, told)) for point in points if point.family == family]
    return found


def main() -> int:
    """Fit, leave out, and write the data."""
    points = [point for point in benchmarks() if fitted_on(point)]
    values = fit([*points, *others()])
    left_out = families_left_out(points, values)
    for family, own in left_out.items():
        sys.stderr.write(
            f"{family}: {len(own)} points, left out: ITL {quantile([abs(exp(e) - 1) for *_, e in own], 0.5):.2f}, "
            f"TTFT {quantile([abs(exp(e) - 1) for _, e, _ in own], 0.5):.2f}\n"
        )
    every = [each for own in left_out.values() for each in own]
    counts = Counter(point.gpu for point in points)
    elsewhere: dict[str, list[Row]] = {}
    for gpu in sorted(counts):
        told = told_by(fit([point for point in (*points, *others()) if point.gpu != gpu], values, 4))
        elsewhere[gpu] = [(point, *errors(point, told)) for point in points if point.gpu == gpu]
    judged = [row for row in every if counts[row[0].gpu] >= SPARSE]
    content: dict[str, Any] = {
        "written-by": "scripts/fit_speed.py",
        "points": len(points),
        "public-points": len(others()),
        "families": sorted({point.family for point in (*points, *others())}),
        "held-out": sorted({point.family for point in benchmarks() if point.held_out}),
        "engine-versions": _versions(points),
        "parameters": {name: round(value, 5) for name, value in zip(NAMES, map(exp, values), strict=True)},
        "ranges": {m: {group: group_factors(judged, m, group) for group in GROUPS[m]} for m in METRICS},
        "ranges-of-other-devices": {
            m: factors([error_of(m, row) for gpu, rows in elsewhere.items() if counts[gpu] >= SPARSE for row in rows])
            for m in METRICS
        },
        "ranges-of-older-engines": older_engines(told_by(values)),
        "ranges-of-own-runs": own_runs(every),
        "measured-devices": {
            gpu: {
                "points": counts[gpu],
                "families": sorted({point.family for point in points if point.gpu == gpu}),
                "sparse": counts[gpu] < SPARSE,
            }
            for gpu in sorted(counts)
        },
        "tails": {
            "ttft": {"90": 1.5, "99": 2.1},
            "itl": {"90": 1.25, "99": 1.56},
            "source": "quantile over median in 161 open-load runs below saturation, "
            "github.com/FreedomIntelligence/AccelMark@5797fc427 results/verified",
        },
        "version-factor": {
            "ttft": 1.2,
            "itl": 1.2,
            "throughput": 1.2,
            "source": "least effect of an engine's version that was seen on one device (A100 80 GB, vLLM 0.7.3 to "
            "0.20.1: 1.2 to 3 times)",
        },
    }
    DATA.parent.mkdir(exist_ok=True)
    DATA.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(content, indent=1) + "\n")
    return 0


def older_engines(told: SpeedParameters) -> dict[str, Any]:
    """Return the factors of engines before 0.8, from all points of theirs that are not held out, of open loads too.

    Their host took as long as their device, and more for a small model, which no share of a peak says.
    """
    rows = []
    for point in benchmarks():
        if point.held_out or recent(point) or not (point.ttft_ms and point.itl_ms):
            continue
        if usable(point):
            rows.append((point, *errors(point, told)))
        elif point.load == "open" and point.rate:
            most = max(1.0, min(room(point.machine, point.lengths), 1024.0))
            found = at_rate(point.machine, point.lengths, point.rate, most, told)
            if found is not None:
                rows.append((point, log(found.ttft_ms / point.ttft_ms), log(found.itl_ms / point.itl_ms)))
    return {
        "before": ".".join(map(str, OLD)),
        "points": len(rows),
        **{m: factors([error_of(m, row) for row in rows]) for m in METRICS},
    }


def own_runs(every: Sequence[Row]) -> dict[str, Any]:
    """Return the ranges that remain when one or two loads of a deployment, or another one of the device, are known.

    Errors are those of families left out. `two-loads`: the smallest and the largest load of a sweep correct the others.
    `one-load`: the smallest one does. `device`: the median error of the model's other sweeps on that device does.
    """
    sweeps: dict[tuple[Any, ...], dict[float, tuple[float, float]]] = {}
    for point, first, second in every:
        key = (point.shape, point.gpu, point.ranks, point.prompt, point.output, point.version)
        sweeps.setdefault(key, {}).setdefault(point.requests or 1.0, (first, second))
    left: dict[str, list[list[float]]] = {"one-load": [[], []], "two-loads": [[], []], "device": [[], []]}
    for key, loads in sweeps.items():
        ordered = sorted(loads)
        others = [e for k, es in sweeps.items() if k[:2] == key[:2] and k[2] != key[2] for e in es.values()]
        for metric in (0, 1):
            for load in ordered if others else ():
                left["device"][metric].append(loads[load][metric] - quantile([each[metric] for each in others], 0.5))
            if len(ordered) < 4:
                continue
            low, high = loads[ordered[0]][metric], loads[ordered[-1]][metric]
            for load in ordered[1:]:
                left["one-load"][metric].append(loads[load][metric] - low)
            for load in ordered[1:-1]:
                share = log(load / ordered[0]) / log(ordered[-1] / ordered[0])
                left["two-loads"][metric].append(loads[load][metric] - low - share * (high - low))
    return {name: {"ttft": ends(first), "itl": ends(second)} for name, (first, second) in left.items()}


def _throughput(point: Benchmark, first: float, second: float) -> float:
    """Return the error of the tokens a second: of how long a request takes, turned over."""
    ttft, itl = point.ttft_ms or 1.0, point.itl_ms or 1.0
    measured = ttft + itl * point.output
    return -log((ttft * exp(first) + itl * exp(second) * point.output) / measured)


def _versions(points: Sequence[Benchmark]) -> list[str]:
    minors = {tuple(map(int, each.split(".")[:2])) for p in points if (each := p.version or "")[:1].isdigit()}
    return [".".join(map(str, each)) for each in (min(minors), max(minors))]


if __name__ == "__main__":
    sys.exit(main())
