"""A plan as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from modelyard.planning import Verdict

if TYPE_CHECKING:
    from modelyard.planning import Candidate, Plan, Range
    from modelyard.reporting import Line

MOST = {Verdict.MEETS: 6, Verdict.UNSURE: 2, Verdict.MISSES: 2, Verdict.CANNOT: 2, Verdict.NOT_ESTIMATED: 1}
"""Rows of each verdict that are shown without --all."""

_STYLES = {Verdict.MEETS: "note", Verdict.UNSURE: "warning", Verdict.MISSES: "error", Verdict.CANNOT: "error"}
_PLOT = 36


def plan_lines(
    found: Plan, others: Sequence[tuple[float, Plan]], width: int | None, *, every: bool = False
) -> list[Line]:
    """Return a plan as lines of text."""
    from modelyard.reporting import visible, wrapped

    subject, objectives = found.subject, found.objectives
    limits = [
        f"{value:g} ms {what}"
        for value, what in ((objectives.ttft_ms, "to the first token"), (objectives.itl_ms, "between tokens"))
        if value is not None
    ]
    share = "median" if objectives.percentile == 50 else f"p{objectives.percentile}"
    reuse = f", {objectives.reuse:.0%} of prompts cached" if objectives.reuse else ""
    title = f"{subject.model.name} in {subject.environment.name}: {objectives.load} of {objectives.prompt} + "
    title += f"{objectives.output} tokens{reuse}; {', '.join(limits)} ({share})"
    lines: list[Line] = [*wrapped([], visible(title), "strong", width=width, indent=2), []]
    rows = list(enumerate(found.candidates, 1))
    shown = rows if every else list(_chosen(rows))
    lines += _table(found, shown)
    if len(shown) < len(rows):
        lines.append([(f"      {len(rows) - len(shown)} more: --all", "faint")])
    lines.append([])
    if found.now is not None:
        lines += wrapped(
            [("now: ", "strong")], visible(candidate_words(found, found.now)), "plain", width=width, indent=5
        )
    lead = found.best or next((each for each in found.candidates if each.ttft is not None), None)
    if lead is not None:
        lines += wrapped([("rests on: ", "strong")], visible(lead.basis.words), "plain", width=width, indent=10)
    for note in subject.notes:
        lines += wrapped([("note: ", "warning")], visible(note), "plain", width=width, indent=6)
    if found.best is not None and not found.best.basis.calibrated:
        advice = "two results of `vllm bench serve` at different loads narrow the ranges: --from-bench FILE"
        lines += wrapped([], advice, "faint", width=width, indent=2)
    lines += _plot(found, others)
    lines += _next(found)
    return lines


def _next(found: Plan) -> Iterator[Line]:
    from modelyard.reporting import visible

    best = found.best
    if best is None:
        yield [("nothing that the pools have meets the objectives", "error")]
        return
    number = found.candidates.index(best) + 1
    subject = found.subject
    text = (
        f"next: modelyard plan {subject.model.name} --env {subject.environment.name} {_options(found)} --apply {number}"
    )
    yield [(visible(text), "plain")]


def _options(found: Plan) -> str:
    told = found.objectives.to_mapping()
    return " ".join(
        f"--{key} {value:g}" if isinstance(value, float) else f"--{key} {value}"
        for key, value in told.items()
        if (key, value) != ("percentile", 50)
    )


def _chosen(rows: list[tuple[int, Candidate]]) -> Iterator[tuple[int, Candidate]]:
    """Yield the rows that are shown: the first of each device and precision, a few of each verdict."""
    counts: dict[Verdict, int] = {}
    seen: set[tuple[Any, ...]] = set()
    for number, each in rows:
        same = (each.verdict, each.way.machine.device, each.way.precision, bool(each.offer.pool))
        if same in seen or counts.get(each.verdict, 0) >= MOST[each.verdict]:
            continue
        seen.add(same)
        counts[each.verdict] = counts.get(each.verdict, 0) + 1
        yield number, each


def _table(found: Plan, rows: Sequence[tuple[int, Candidate]]) -> Iterator[Line]:
    from modelyard.reporting import visible

    heads = f"{'#':>4} {'instance':<16} {'model':<6} {'TP':>2} {'at once':>7} {'replicas':>8} {'nodes':>5}"
    yield [(f"{heads}  {'TTFT ms':<16} {'ITL ms':<13} {'$/h':>8} {'$/Mtok':>7}", "faint")]
    tokens = found.objectives.prompt + found.objectives.output
    for number, each in rows:
        count = (str(each.at_once), str(each.replicas), str(each.nodes)) if each.replicas else ("-", "-", "-")
        price, million = each.usd_per_hour, each.usd_per_million(tokens)
        mark = ">" if each is found.best else " "
        left = f"{mark}{number:>3} {visible(each.offer.name):<16} {visible(each.way.precision):<6} "
        left += f"{each.way.machine.ranks:>2} {count[0]:>7} {count[1]:>8} {count[2]:>5}  "
        left += f"{range_text(each.ttft):<16} {range_text(each.itl):<13} "
        left += f"{'-' if price is None else f'{price:.2f}':>8} {'-' if million is None else f'{million:.2f}':>7}  "
        words = each.verdict.value + (f": {each.reason}" if each.reason else "")
        if not each.offer.pool:
            words += ", but no pool has it" if each.verdict is Verdict.MEETS else "; no pool has it"
        yield [(left, "plain"), (visible(words), _STYLES.get(each.verdict, "faint"))]


def range_text(found: Range | None) -> str:
    """Return a range, such as `380 (150-960)`, in two digits at most where it is wide."""
    return "" if found is None else f"{_two(found.middle)} ({_two(found.low)}-{_two(found.high)})"


def _two(value: float) -> str:
    """Return a number with two digits that count: no estimate knows a third."""
    if value < 10:
        return f"{value:.2g}"
    scale = 10 ** (len(str(int(value))) - 2)
    return str(int(round(value / scale) * scale))


def candidate_words(found: Plan, each: Candidate) -> str:
    """Return a candidate in one sentence."""
    count = f"{each.replicas} x " if each.replicas else ""
    price = "" if each.usd_per_hour is None else f", {each.usd_per_hour:.2f} $/h"
    text = f"{count}{each.offer.name}, {each.way.precision}, TP {each.way.machine.ranks}{price}: {each.verdict.value}"
    if each.ttft is not None and each.itl is not None:
        text += f", {range_text(each.ttft)} ms to the first token, {range_text(each.itl)} ms between tokens"
    return text + (f"; {each.reason}" if each.reason else "")


def _plot(found: Plan, others: Sequence[tuple[float, Plan]]) -> Iterator[Line]:
    """Yield the cost of the best candidate of the pools at other rates, as bars."""
    if not others:
        return
    costs = [(rate, other.best) for rate, other in others]
    most = max((best.usd_per_hour or 0.0 for _, best in costs if best is not None), default=0.0)
    tokens = found.objectives.prompt + found.objectives.output
    yield []
    yield [("what if: requests/s, $/h of the cheapest that meets the objectives", "strong")]
    for rate, best in costs:
        if best is None or best.usd_per_hour is None:
            yield [(f"  {rate:>8.3g}  nothing meets them", "faint")]
            continue
        bar = "#" * max(1, round(best.usd_per_hour / most * _PLOT)) if most else ""
        million = best.usd_per_million(tokens)
        cost = "" if million is None else f", {million:.2f} $/Mtok"
        yield [
            (f"  {rate:>8.3g}  ", "plain"),
            (bar.ljust(_PLOT), "note"),
            (f"  {best.usd_per_hour:8.2f}  {best.nodes} x {best.offer.name}{cost}", "plain"),
        ]
    yield []


def plan_content(found: Plan, others: Sequence[tuple[float, Plan]] = ()) -> dict[str, Any]:
    """Return a plan as JSON says it."""
    subject = found.subject
    return {
        "version": 1,
        "model": subject.model.name,
        "environment": subject.environment.name,
        "engine-version": subject.version,
        "objectives": found.objectives.to_mapping(),
        "candidates": [candidate_content(found, each, number) for number, each in enumerate(found.candidates, 1)],
        "best": found.candidates.index(found.best) + 1 if found.best is not None else None,
        "now": candidate_content(found, found.now, None) if found.now is not None else None,
        "too-small": [
            {"device": way.machine.device.name, "tensor-parallel-size": way.machine.ranks, "precision": way.precision}
            for way in found.too_small
        ],
        "not-estimated": list(subject.notes),
        "what-if": [
            {
                "rate": rate,
                "best": candidate_content(other, other.best, None) if other.best is not None else None,
            }
            for rate, other in others
        ],
    }


def candidate_content(found: Plan, each: Candidate, number: int | None) -> dict[str, Any]:
    """Return a candidate as JSON says it."""
    tokens = found.objectives.prompt + found.objectives.output
    return {
        **({"number": number} if number is not None else {}),
        "instance-type": each.offer.name,
        "pool": each.offer.pool or None,
        "device": each.way.machine.device.name,
        "precision": each.way.precision,
        "tensor-parallel-size": each.way.machine.ranks,
        "verdict": each.verdict.value,
        "reason": each.reason,
        "requests-at-once": each.at_once,
        "replicas": each.replicas,
        "nodes": each.nodes,
        "ttft-ms": _range(each.ttft),
        "itl-ms": _range(each.itl),
        "rate": round(each.rate, 4),
        "full-rate": round(each.full_rate, 4),
        "usd-per-hour": each.usd_per_hour,
        "usd-per-mtok": each.usd_per_million(tokens),
        "usd-per-mtok-at-full-use": each.usd_per_million(tokens, full=True),
        "settings": {
            **each.flags,
            "max-num-batched-tokens": each.way.assessment.settings.max_num_batched_tokens,
            "max-model-len": each.way.assessment.settings.max_model_len,
        },
        "fit": each.way.assessment.verdict.value,
        "rests-on": each.basis.words,
        "calibrated": each.basis.calibrated,
    }


def _range(found: Range | None) -> dict[str, float] | None:
    if found is None:
        return None
    ends = {"low": found.low, "middle": found.middle, "deciding": found.deciding, "high": found.high}
    return {name: round(value, 2) for name, value in ends.items()}
