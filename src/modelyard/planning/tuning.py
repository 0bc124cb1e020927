"""What holds a model back, and the one change that helps most, with its effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite
from typing import Any

from modelyard.planning.calibration import basis_for
from modelyard.planning.plan import Candidate, Plan, Verdict, judged
from modelyard.planning.runs import Run
from modelyard.wording import counted

CACHE_FULL = 0.9
"""Share of the KV cache from which on vLLM preempts requests when one more grows."""

SAVING = 0.9
"""A plan that costs less than this share of what is paid now is worth the restart."""

IDLE = 0.4
"""Share of the rate that the replicas finish within the objectives, below which one of them can go."""


class Bottleneck(StrEnum):
    """What holds a model back."""

    DEVICE = "device"  # the objective is below what the device allows
    REPLICAS = "replicas"  # more requests arrive than are finished
    CACHE = "KV cache"  # fewer requests fit the cache than are let in
    PREFILL = "time to the first token"
    DECODE = "time between tokens"
    COST = "cost"  # everything is met, and something cheaper meets it too
    UTILISATION = "utilisation"  # everything is met by replicas that mostly wait
    NONE = "nothing"


@dataclass(frozen=True, slots=True)
class Observed:
    """What Prometheus answered.

    Attributes:
        running: Requests that run, of all replicas; None where it was not asked.
        waiting: Requests that wait, likewise.
        cache: Highest share of the KV cache that a replica uses, likewise.
    """

    running: float | None = None
    waiting: float | None = None
    cache: float | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """What to change.

    Attributes:
        bottleneck: What holds the model back.
        because: Why, in sentences without a final stop.
        change: The change in words; empty where none helps.
        command: The command that makes it; empty where none does.
        now: The deployment as it is.
        then: What it would be; None where no candidate is changed to.
    """

    bottleneck: Bottleneck
    because: tuple[str, ...]
    change: str = ""
    command: str = ""
    now: Candidate | None = None
    then: Candidate | None = None


def observed(content: Any) -> Observed:
    """Return what answers of Prometheus say: one answer to an instant query, or a list of them.

    Raises:
        ValueError: It is none; the message says what was expected.
    """
    answers = content if isinstance(content, list) else [content]
    found: dict[str, list[float]] = {}
    for answer in answers:
        if not isinstance(answer, Mapping) or answer.get("status") != "success":
            raise ValueError("it is no answer of Prometheus' /api/v1/query with status success")
        for name, value in _samples(answer):
            found.setdefault(name, []).append(value)
    if not found:
        raise ValueError(f"it has none of {', '.join(_METRICS)}")
    running, waiting, cache = (found.get(name) for name in _METRICS)
    return Observed(sum(running) if running else None, sum(waiting) if waiting else None, max(cache) if cache else None)


_CACHE = "vllm:kv_cache_usage_perc"
_METRICS = ("vllm:num_requests_running", "vllm:num_requests_waiting", _CACHE)


def _samples(answer: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    data = answer.get("data")
    results = data.get("result") if isinstance(data, Mapping) else None
    if not isinstance(results, list):
        raise ValueError("data.result is missing")
    for each in results:
        metric, value = (each.get("metric"), each.get("value")) if isinstance(each, Mapping) else (None, None)
        name = str(metric.get("__name__") or "") if isinstance(metric, Mapping) else ""
        if name not in _METRICS:
            continue
        if "values" in each:
            raise ValueError("it answers query_range: ask /api/v1/query, which gives one value of each series")
        try:
            number = float(value[1])  # type: ignore[index]
        except (TypeError, ValueError, LookupError, OverflowError):
            raise ValueError(f"the value of {name} is {value!r}") from None
        if not isfinite(number) or number < 0:
            raise ValueError(f"the value of {name} is {number:g}, of which nothing follows")
        if name == _CACHE and number > 1:
            raise ValueError(f"the value of {name} is {number:g}, and a share lies between 0 and 1")
        yield name, number


def advise(found: Plan, runs: Sequence[Run], seen: Observed | None = None) -> Advice:
    """Return what to change first.

    Args:
        found: The plan of the model.
        runs: Load tests that the repository keeps of it.
        seen: What Prometheus answered; None where it was not asked.
    """
    now, best = found.now, found.best
    if now is None:
        return _towards(found, Bottleneck.DEVICE, ("how it is served now is not estimated",), now)
    if now.verdict is Verdict.CANNOT:
        return _towards(found, Bottleneck.DEVICE, (now.reason,), now)
    full = seen is not None and seen.cache is not None and seen.cache >= CACHE_FULL
    used = f"replicas use {seen.cache:.0%} of the KV cache" if full and seen is not None else ""
    if now.verdict is Verdict.MISSES and now.ttft is not None and "arrive" in now.reason:
        because = [f"more requests arrive than {counted(now.replicas, 'replica')} can finish"]
        if seen is not None and seen.waiting:
            because.append(f"{seen.waiting:.0f} requests wait")
        return _replicas(found, now, (*because, *([used] if used else [])), runs)
    if used:
        return _cache(found, now, used, runs)
    if now.way.room < now.at_once and now.way.room < _needed(found, now):
        return _cache(found, now, f"the KV cache holds {now.way.room:.0f} requests of these lengths", runs)
    if now.verdict in (Verdict.MISSES, Verdict.UNSURE):
        slow = Bottleneck.PREFILL if "first token" in now.reason else Bottleneck.DECODE
        more = _more_replicas(found, now, runs)
        if more is not None and more.verdict is Verdict.MEETS and (best is None or _price(more) <= _price(best)):
            return _replicas(found, now, (f"{now.reason} is not within the objective",), runs)
        return _towards(found, slow, (f"{now.reason} is not within the objective",), now)
    if best is not None and _price(best) < SAVING * _price(now):
        return _towards(found, Bottleneck.COST, ("everything is met, and something cheaper meets it too",), now)
    load = now.rate / now.full_rate if now.full_rate else 1.0
    if now.replicas > 1 and load < IDLE:
        return _replicas(found, now, (f"the load is {load:.0%} of what the replicas finish in time",), runs)
    return Advice(
        Bottleneck.NONE, ("every objective is met, and nothing that the pools have is much cheaper",), now=now
    )


def _needed(found: Plan, now: Candidate) -> float:
    """Return the requests at once that the load means for a replica."""
    if found.objectives.concurrency is not None:
        return found.objectives.concurrency / max(1, now.replicas)
    seconds = 0.0
    if now.ttft is not None and now.itl is not None:
        seconds = (now.ttft.middle + now.itl.middle * found.objectives.output) / 1e3
    return now.rate / max(1, now.replicas) * seconds


def _price(each: Candidate) -> float:
    return float("inf") if each.usd_per_hour is None else each.usd_per_hour


def _more_replicas(found: Plan, now: Candidate, runs: Sequence[Run]) -> Candidate | None:
    """Return the deployment as it is with as many replicas as the load takes."""
    basis = basis_for(found.subject, now.way.machine, now.way.precision, runs)
    made = judged(now.way, now.offer, found.objectives, basis)
    return replace(made, flags={}) if made.replicas else None


def _replicas(found: Plan, now: Candidate, because: tuple[str, ...], runs: Sequence[Run]) -> Advice:
    then = _more_replicas(found, now, runs)
    if then is None or then.verdict is not Verdict.MEETS or then.replicas == now.replicas:
        return _towards(found, Bottleneck.REPLICAS, because, now)
    best = found.best
    if best is not None and _price(best) < SAVING * _price(then):
        return _towards(found, Bottleneck.REPLICAS, because, now)
    kind = Bottleneck.REPLICAS if then.replicas > now.replicas else Bottleneck.UTILISATION
    name, environment = found.subject.model.name, found.subject.environment.name
    command = f"modelyard model set {name} replicas={then.replicas} max-num-seqs={then.at_once} --env {environment}"
    return Advice(kind, because, f"{then.replicas} replicas instead of {now.replicas}", command, now, then)


def _cache(found: Plan, now: Candidate, because: str, runs: Sequence[Run]) -> Advice:
    name, environment = found.subject.model.name, found.subject.environment.name
    fewer = max(1, int(now.way.room))
    command = f"modelyard model set {name} max-num-seqs={fewer} --env {environment}"
    change = f"max-num-seqs {fewer}, so that requests wait rather than start again"
    best = found.best
    if best is not None and best.way.room > now.way.room and _price(best) <= _price(now):
        return _towards(found, Bottleneck.CACHE, (because,), now)
    basis = basis_for(found.subject, now.way.machine, now.way.precision, runs)
    then = judged(now.way, now.offer, found.objectives, basis, replicas=now.replicas, at_once=fewer)
    return Advice(Bottleneck.CACHE, (because,), change, command, now, then)


def _towards(found: Plan, bottleneck: Bottleneck, because: tuple[str, ...], now: Candidate | None) -> Advice:
    """Return the advice to take the plan's best candidate."""
    best = found.best
    if best is None:
        return Advice(bottleneck, (*because, "nothing that the pools have meets the objectives"), now=now)
    number = found.candidates.index(best) + 1
    name, environment = found.subject.model.name, found.subject.environment.name
    change = f"{best.nodes} x {best.offer.name}, {best.way.precision}, tensor-parallel-size {best.way.machine.ranks}"
    return Advice(bottleneck, because, change, f"modelyard plan {name} --env {environment} --apply {number}", now, best)
