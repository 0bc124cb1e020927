"""Measure estimates of speed on models that were left out of the fit, and write docs/planning.md's tables.

    scripts/plan_table.py [--peers FILE] [--write]

Errors of time to the first token and between tokens, of throughput, the share of points inside the stated ranges, what
two own loads bring, and whether the plan chooses right: questions of a model, lengths and five objectives over the
candidates that were measured, at AWS's prices. FILE holds what other estimators say, as `scripts/plan_peers.py`
writes it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path

from fit_speed import SPARSE, predicted, quantile, usable
from modelyard.catalog import InstanceType, instance_types
from modelyard.costing import instance_price
from modelyard.planning.floor import floor
from modelyard.planning.ranges import GROUPS, estimated, group_of, is_old
from modelyard.planning.speed import parameters, speed, speed_data
from modelyard.sizing.engine_defaults import parsed_version
from plan_blind import table as blind_table
from planning.points import DEVICES, Benchmark, benchmarks, room

DOCUMENT = Path(__file__).parents[1] / "docs" / "planning.md"
MARKS = ("<!-- figures of scripts/plan_table.py -->", "<!-- end of figures -->")
REGION = "us-west-2"
Guess = Callable[[Benchmark], tuple[float, float] | None]
Bounds = Callable[[Benchmark, float, float], tuple[float, float]]


@dataclass(frozen=True)
class Row:
    """One line of a table: what, its figures, the bar and whether it is met."""

    what: str
    figures: str
    bar: str = ""
    met: str = ""

    def __str__(self) -> str:
        return f"| {self.what} | {self.figures} | {self.bar} | {self.met} |"


@dataclass(frozen=True)
class Peer:
    """What another estimator says.

    Attributes:
        times: TTFT and ITL in ms by the points' ids.
        gaps: Why it has no answer, and of how many points.
    """

    times: dict[int, tuple[float, float]]
    gaps: dict[str, int]

    def guess(self, point: Benchmark) -> tuple[float, float] | None:
        """Return what it says of a point; None where it has no answer."""
        return self.times.get(point.id)

    def words(self, count: int) -> str:
        """Return of how many points it says something, and why of the others it does not."""
        held = {point.id for point in steady(held_out=True)}
        none = "; ".join(f"{number} times {why}" for why, number in sorted(self.gaps.items(), key=lambda row: -row[1]))
        return f"{len(held & set(self.times))} of {count} have an answer" + (f" (none: {none})" if none else "")


Peers = Mapping[str, Peer]


def peers_of(path: Path) -> Peers:
    """Return what `scripts/plan_peers.py` wrote."""
    found = {}
    for name, told in json.loads(path.read_text(encoding="utf-8")).items():
        times = {int(point): (float(ttft), float(itl)) for point, (ttft, itl) in told["times"].items()}
        found[name] = Peer(times, told["gaps"])
    return found


def measured(point: Benchmark) -> tuple[float, float]:
    """Return the measured TTFT and ITL in ms."""
    return point.ttft_ms or 1.0, point.itl_ms or 1.0


def engine_of(point: Benchmark) -> tuple[int, ...]:
    """Return the version of a point's engine; one of the middle where it is not stated."""
    return parsed_version(point.version or "") or (0, 15, 0)


def steady(*, held_out: bool) -> list[Benchmark]:
    """Return the points of a steady state, of families that were held out or that were fitted on."""
    return [point for point in benchmarks() if usable(point) and point.held_out == held_out]


def own(point: Benchmark) -> tuple[float, float]:
    """Return the project's estimate."""
    return predicted(point, parameters())


def off(values: Sequence[float]) -> tuple[float, float]:
    """Return the median of the error as a share, and the factor that holds for 80 %."""
    return quantile([abs(exp(value) - 1) for value in values], 0.5), exp(
        quantile([abs(value) for value in values], 0.8)
    )


def errors_of(points: Sequence[Benchmark], guess: Guess) -> tuple[list[float], list[float], list[float]]:
    """Return the logarithms of estimated over measured: TTFT, ITL, tokens a second."""
    first, second, third = [], [], []
    for point in points:
        found = guess(point)
        if found is None:
            continue
        ttft, itl = measured(point)
        first.append(log(found[0] / ttft))
        second.append(log(found[1] / itl))
        third.append(log((ttft + itl * point.output) / (found[0] + found[1] * point.output)))
    return first, second, third


def error_rows(guess: Guess) -> Iterator[str]:
    """Yield errors of the held-out points, by family and device and together."""
    points = steady(held_out=True)
    groups = sorted({(point.family, point.gpu) for point in points})
    for family, gpu in (*groups, ("all", "")):
        chosen = [p for p in points if family == "all" or (p.family, p.gpu) == (family, gpu)]
        first, second, third = errors_of(chosen, guess)
        if first:
            figures = " | ".join(f"{a:.0%}, x{b:.2f}" for a, b in (off(second), off(first), off(third)))
            yield f"| {family} {gpu} | {len(first)} | {figures} |"


def inside(points: Sequence[Benchmark], metric: str) -> float:
    """Return the share of points inside the stated 80 % range, for an engine of the points' own versions."""
    return sum(is_inside(point, metric) for point in points) / len(points)


def inside_by_family(points: Sequence[Benchmark], metric: str) -> float:
    """Return that share where each family of many points counts alike, whatever their number."""
    counts = Counter(point.family for point in points)
    families = sorted(family for family, count in counts.items() if count >= SPARSE)
    return sum(inside([p for p in points if p.family == family], metric) for family in families) / len(families)


def is_inside(point: Benchmark, metric: str) -> bool:
    """Return whether a point lies inside the stated 80 % range."""
    ttft, itl = own(point)
    one, two = measured(point)
    value, real = {
        "ttft": (ttft, one),
        "itl": (itl, two),
        "throughput": (1 / (ttft + itl * point.output), 1 / (one + two * point.output)),
    }[metric]
    found = estimated(metric, value, point.machine, engine_of(point))
    return found.low <= real <= found.high


def range_rows(points: Sequence[Benchmark]) -> Iterator[str]:
    """Yield what the stated ranges hold and how wide they are, by model and device and by the groups of the ranges."""
    yield "| | points | " + " | ".join(f"{what}: holds, factor" for _, what in METRIC_NAMES) + " |"
    yield "|---|---|" + "---|" * len(METRIC_NAMES)
    chosen: dict[str, list[Benchmark]] = {}
    for point in points:
        chosen.setdefault(f"{point.family} {point.gpu}", []).append(point)
    for metric in ("ttft", "itl"):
        for group in GROUPS[metric]:
            chosen[group] = [point for point in points if group_of(metric, point.machine) == group]
    chosen["all"] = list(points)
    for name, own_points in chosen.items():
        if not own_points:
            continue
        cells = []
        for metric, _ in METRIC_NAMES:
            widths = [log(estimated(metric, 1.0, p.machine, engine_of(p)).high) for p in own_points]
            cells.append(f"{inside(own_points, metric):.0%}, x{exp(sum(widths) / len(widths)):.2f}")
        yield f"| {name} | {len(own_points)} | {' | '.join(cells)} |"


METRIC_NAMES = (("itl", "between tokens"), ("ttft", "to the first token"), ("throughput", "tokens a second"))


def beneath(point: Benchmark) -> bool:
    """Return whether a measured time is below what physics allow."""
    least = floor(point.machine, point.lengths)
    return bool(
        (point.itl_ms and least.itl_ms and point.itl_ms < least.itl_ms)
        or (point.ttft_ms and least.ttft_ms and point.ttft_ms < least.ttft_ms)
    )


def sweeps(points: Sequence[Benchmark]) -> Iterator[list[Benchmark]]:
    """Yield the points of one deployment and lengths by load, where there are at least four loads."""
    found: dict[tuple[object, ...], dict[float, Benchmark]] = {}
    for point in points:
        key = (point.shape, point.gpu, point.ranks, point.prompt, point.output, point.version)
        found.setdefault(key, {}).setdefault(point.requests or 1.0, point)
    for loads in found.values():
        if len(loads) >= 4:
            yield [loads[each] for each in sorted(loads)]


def calibrated(points: Sequence[Benchmark]) -> dict[int, tuple[float, float]]:
    """Return estimates that the smallest and the largest load of each sweep correct, for the points between."""
    found = {}
    for loads in sweeps(points):
        low, high = loads[0], loads[-1]
        ends = [[log(m / g) for m, g in zip(measured(each), own(each), strict=True)] for each in (low, high)]
        for point in loads[1:-1]:
            share = log((point.requests or 1) / (low.requests or 1)) / log((high.requests or 1) / (low.requests or 1))
            guess = own(point)
            ttft, itl = (
                value * exp(ends[0][at] + share * (ends[1][at] - ends[0][at])) for at, value in enumerate(guess)
            )
            found[point.id] = (ttft, itl)
    return found


def device_price(gpu: str) -> float | None:
    """Return USD an hour of one device on the largest instance type that has it; None where no price is known."""
    name, memory = DEVICES[gpu]
    best = None
    for kind in instance_types().values() if not _KINDS else ():
        if kind.accelerator is not None:
            _KINDS.setdefault((kind.accelerator.name, kind.accelerator.memory_mib), []).append(kind)
    for kind in _KINDS.get((name, memory), []):
        price = instance_price(kind.name, REGION).usd_per_hour
        count = kind.accelerator.count if kind.accelerator is not None else 0
        if price is not None and count:
            best = min(best or float("inf"), price / count)
    return best


_KINDS: dict[tuple[str, int | None], list[InstanceType]] = {}


@dataclass
class Decisions:
    """How choices come out.

    Attributes:
        asked: Questions with a candidate that meets the objectives by measurement.
        answered: Questions for which a candidate was chosen.
        broken: Chosen candidates that break an objective by measurement.
        factors: Cost of the others over the cheapest that meets by measurement.
    """

    asked: int = 0
    answered: int = 0
    broken: int = 0
    factors: list[float] | None = None


def decide(points: Sequence[Benchmark], guess: Guess, bounds: Bounds) -> Decisions:
    """Return how choices of the cheapest candidate whose upper ends are inside come out."""
    done = Decisions(factors=[])
    groups: dict[tuple[object, ...], list[Benchmark]] = {}
    for point in points:
        if device_price(point.gpu) is not None:
            groups.setdefault((point.family, point.prompt, point.output), []).append(point)
    for candidates in groups.values():
        if len(candidates) < 5:
            continue
        ttfts, itls = zip(*map(measured, candidates), strict=True)
        for share in (0.2, 0.35, 0.5, 0.65, 0.8):
            limits = quantile(ttfts, share), quantile(itls, share)
            meeting = [each for each in candidates if _meets(measured(each), limits)]
            if not meeting:
                continue
            done.asked += 1
            chosen = []
            for each in candidates:
                found = guess(each)
                if found is not None and _meets(bounds(each, *found), limits):
                    chosen.append((_cost(each, *found), each))
            if not chosen:
                continue
            done.answered += 1
            best = min(chosen, key=lambda row: row[0])[1]
            if not _meets(measured(best), limits):
                done.broken += 1
                continue
            least = min(_cost(each, *measured(each)) for each in meeting)
            assert done.factors is not None
            done.factors.append(_cost(best, *measured(best)) / least)
    return done


def _meets(times: tuple[float, float], limits: tuple[float, float]) -> bool:
    return times[0] <= limits[0] and times[1] <= limits[1]


def _cost(point: Benchmark, ttft: float, itl: float) -> float:
    """Return USD of a million tokens."""
    seconds = (ttft + itl * point.output) / 1e3
    rate = (point.requests or 1) / seconds
    return (device_price(point.gpu) or 0.0) * point.ranks / (rate * 3600 * (point.prompt + point.output)) * 1e6


def deciding_ends(point: Benchmark, ttft: float, itl: float) -> tuple[float, float]:
    """Return the upper ends that decide whether a candidate meets its objectives."""
    first, second = (
        estimated(metric, value, point.machine, engine_of(point)).deciding
        for metric, value in (("ttft", ttft), ("itl", itl))
    )
    return first, second


def own_run_ends(point: Benchmark, ttft: float, itl: float) -> tuple[float, float]:
    """Return the upper ends of the ranges after two own loads."""
    told = speed_data()["ranges-of-own-runs"]["two-loads"]
    return ttft * float(told["ttft"]["high-80"]), itl * float(told["itl"]["high-80"])


def _decision_row(what: str, done: Decisions, bar: str, limits: tuple[float, float]) -> Row:
    broken = done.broken / max(1, done.answered)
    middle = quantile(done.factors or [1.0], 0.5)
    most = quantile(done.factors or [1.0], 0.9)
    figures = f"{broken:.0%} of {done.answered} ({done.asked} asked); cost x{middle:.2f}, 90 % x{most:.2f}"
    return Row(what, figures, bar, _met(broken <= limits[0] and middle <= limits[1]) if bar else "")


def _met(good: bool) -> str:
    return "met" if good else "not met"


def bars(peers: Peers) -> Iterator[Row]:
    """Yield the bars with what was measured."""
    held = steady(held_out=True)
    first, second, third = errors_of(held, own)
    ttft, itl, rate = off(first), off(second), off(third)
    below = sum(beneath(point) for point in benchmarks())
    yield Row(f"of {len(benchmarks())} points, below the floor", str(below), "0", _met(below == 0))
    yield Row("time between tokens, median error", f"{itl[0]:.0%}", "12 %", _met(itl[0] <= 0.12))
    yield Row("the same, 80 % of the points", f"x{itl[1]:.2f}", "x1.3", _met(itl[1] <= 1.3))
    yield Row("time to the first token, median error", f"{ttft[0]:.0%}", "30 %", _met(ttft[0] <= 0.3))
    yield Row("the same, 80 % of the points", f"x{ttft[1]:.2f}", "x1.9", _met(ttft[1] <= 1.9))
    yield Row("tokens a second, median error and 80 %", f"{rate[0]:.0%}, x{rate[1]:.2f}")
    for metric, what in METRIC_NAMES:
        share = inside(held, metric)
        yield Row(f"80 % range holds, {what}", f"{share:.0%}", "77 to 83 %", _met(0.77 <= share <= 0.83))
        alike = inside_by_family(held, metric)
        yield Row(
            f"the same, each model of {SPARSE} points and more counting alike",
            f"{alike:.0%}",
            "77 to 83 %",
            _met(0.77 <= alike <= 0.83),
        )
        for gpu in sorted({point.gpu for point in held}):
            points = [point for point in held if point.gpu == gpu]
            if len(points) >= 30:
                share = inside(points, metric)
                told = f"the same on {gpu} ({len(points)} points)"
                yield Row(told, f"{share:.0%}", "77 to 83 %", _met(0.77 <= share <= 0.83))
    corrected = calibrated(held)
    between = [point for point in held if point.id in corrected]
    first, second, _ = errors_of(between, lambda point: corrected[point.id])
    yield Row(
        f"two own loads, between tokens, 80 % ({len(between)} points)",
        f"x{off(second)[1]:.2f}",
        "x1.15",
        _met(off(second)[1] <= 1.15),
    )
    yield Row("two own loads, to the first token, 80 %", f"x{off(first)[1]:.2f}", "x1.4", _met(off(first)[1] <= 1.4))
    yield _decision_row(
        "chosen plan breaks its objective", decide(held, own, deciding_ends), "5 % at x1.4", (0.05, 1.4)
    )
    yield _decision_row(
        "the same, were every estimate the measured time: what the ranges alone cost",
        decide(held, measured, deciding_ends),
        "",
        (1, 9),
    )
    yield _decision_row(
        "chosen plan with two own loads breaks its objective",
        decide(between, lambda point: corrected[point.id], own_run_ends),
        "5 % at x1.1",
        (0.05, 1.1),
    )
    yield _decision_row("chosen plan without any margin", decide(held, own, lambda _, a, b: (a, b)), "", (1.0, 9.0))
    for name, peer in peers.items():
        points = [point for point in held if point.id in peer.times]
        if points:
            done = decide(points, peer.guess, lambda _, a, b: (a, b))
            yield _decision_row(f"the same by {name}", done, "", (1.0, 9.0))
    count, ratio, share = _at_once()
    what = f"all requests at once ({count} runs), tokens a second over the estimate, and range holds"
    yield Row(what, f"{ratio:.2f}, {share:.0%}")
    yield Row("a point", f"{_microseconds(held):.0f} us")


def _at_once() -> tuple[int, float, float]:
    """Return runs of all requests at once: how many, tokens a second over the estimate, and the share inside the range.

    They start and end with other loads than they hold, and lengths differ; no fit has seen them. The engine takes 256
    at once where nothing else is set, and what its cache holds.
    """
    found = []
    for point in benchmarks():
        if point.load != "saturated" or not point.output_tokens_per_s or is_old(engine_of(point)):
            continue
        most = min(256.0, room(point.machine, point.lengths), point.requests or 256.0)
        guess = speed(point.machine, point.lengths, most) if most >= 1 else None
        if guess is not None:
            told = estimated("throughput", guess.output_tokens_per_s, point.machine, engine_of(point))
            real = point.output_tokens_per_s
            found.append((real / guess.output_tokens_per_s, told.low <= real <= told.high))
    ratios, held = zip(*found, strict=True)
    return len(found), quantile(ratios, 0.5), sum(held) / len(found)


def _microseconds(points: Sequence[Benchmark]) -> float:
    machines = [(point, point.machine) for point in points]
    start = time.process_time()
    for point, machine in machines:
        speed(machine, point.lengths, point.requests or 1)
    return (time.process_time() - start) / len(machines) * 1e6


def _compared(points: Sequence[Benchmark], name: str, guess: Guess) -> str:
    figures = errors_of(points, guess)
    cells = " | ".join(f"{a:.0%}, x{b:.2f}" for a, b in (off(figures[1]), off(figures[0]), off(figures[2])))
    return f"| {name} | {len(points)} | {cells} |"


def tables(peers: Peers) -> str:
    """Return the tables as Markdown."""
    held, fitted = steady(held_out=True), steady(held_out=False)
    heads = "| | points | between tokens | to the first token | tokens a second |\n|---|---|---|---|---|"
    lines = [
        f"Fitted on {speed_data()['points']} points and {speed_data()['public-points']} public ones of "
        f"{', '.join(speed_data()['families'])}; measured here on {len(held)} points of "
        f"{', '.join(speed_data()['held-out'])}, which no fit has seen.",
        "",
        "| what | measured | bar | |",
        "|---|---|---|---|",
        *map(str, bars(peers)),
        "",
        "Median of the error, and the factor within which 80 % of the points lie:",
        "",
        heads,
        *error_rows(own),
        "",
        "What the stated 80 % ranges hold, and the factor to either side:",
        "",
        *range_rows(held),
        "",
        "Public points that were found later; nothing is fitted on them (`scripts/plan_blind.py`). The first of them:",
        "",
        *blind_table("blind.json"),
        "",
        "Those that were found since, of other models, devices and engines, and of requests that arrive at a rate:",
        "",
        *blind_table("public.json"),
    ]
    for name, told in peers.items():
        both = [point for point in held if point.id in told.times]
        lines += ["", f"{name} on the same points: {told.words(len(held))}."]
        if both:
            lines += ["", heads, *(_compared(both, each, guess) for each, guess in ((name, told.guess), ("this", own)))]
        seen = [point for point in fitted if point.id in told.times]
        if seen and not both:
            lines += ["", f"On {len(seen)} points that were fitted on here:", "", heads]
            lines += [_compared(seen, each, guess) for each, guess in ((name, told.guess), ("this", own))]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Print the tables, or write them into the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--write", action="store_true")
    told = parser.parse_args()
    text = tables(peers_of(told.peers) if told.peers is not None else {})
    if told.write:
        document = DOCUMENT.read_text(encoding="utf-8")
        before, _, rest = document.partition(MARKS[0])
        _, _, after = rest.partition(MARKS[1])
        DOCUMENT.write_text(f"{before}{MARKS[0]}\n{text}{MARKS[1]}{after}", encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
