"""The plan of a model: every candidate with its verdict, its range, what it rests on, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from math import floor as whole
from typing import Any

from modelyard.planning.calibration import Basis, basis_for
from modelyard.planning.candidates import Offer, Way, pools_for, way_now, ways
from modelyard.planning.floor import floor
from modelyard.planning.objectives import Objectives
from modelyard.planning.ranges import Range
from modelyard.planning.runs import Run
from modelyard.planning.speed import Machine, Speed, at_rate, speed
from modelyard.planning.subjects import Subject

MOST_AT_ONCE = 1024
"""Requests at once beyond which no point speaks."""

HEADROOM = 0.8
"""Share of a replica's rate that is planned with: arrivals vary, and near its limit a queue grows without bound."""

TOKENS_OF_PRICE = 1e6

LIKELY = "six of seven estimates are inside"
"""What is said of a candidate whose range reaches beyond an objective that it meets (`planning.ranges.DECIDING`)."""


class Verdict(StrEnum):
    """How a candidate lies to the objectives."""

    MEETS = "meets"  # six of seven measurements are inside
    UNSURE = "unsure"  # an objective lies in its range
    MISSES = "misses"  # the lower end of a range is outside
    CANNOT = "cannot"  # an objective is below what physics allow
    NOT_ESTIMATED = "not estimated"  # a fact of the device is missing


ORDER = tuple(Verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to serve the model on one instance type.

    Attributes:
        offer: The instance type.
        way: Device, ranks and precision.
        verdict: How it lies to the objectives.
        reason: Why, where the whole range is not inside.
        at_once: Most requests at once of a replica (`max-num-seqs`); 0 where none were found.
        replicas: Replicas.
        nodes: Nodes for them.
        ttft: Time to the first token at that load in milliseconds, at the percentile that is asked for.
        itl: Time between tokens, likewise.
        rate: Requests a second that the replicas are planned for.
        full_rate: Requests a second that they finish at most within the objectives.
        usd_per_hour: Price of the nodes; None where it is unknown.
        flags: Flags to set, by name.
        basis: What the ranges rest on.
    """

    offer: Offer
    way: Way
    verdict: Verdict
    reason: str = ""
    at_once: int = 0
    replicas: int = 0
    nodes: int = 0
    ttft: Range | None = None
    itl: Range | None = None
    rate: float = 0.0
    full_rate: float = 0.0
    usd_per_hour: float | None = None
    flags: dict[str, Any]
    basis: Basis

    def usd_per_million(self, tokens: float, *, full: bool = False) -> float | None:
        """Return USD for a million tokens, prompts and answers together; None where the price is unknown.

        Args:
            tokens: Tokens of a request.
            full: At the rate that the replicas finish at most, rather than at the planned one.
        """
        rate = self.full_rate if full else self.rate
        if self.usd_per_hour is None or rate <= 0:
            return None
        return self.usd_per_hour / (rate * 3600 * tokens) * TOKENS_OF_PRICE


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan.

    Attributes:
        subject: The model.
        objectives: What it is to achieve.
        candidates: The candidates, the best first.
        now: The deployment as it is; None where that is not estimated.
        too_small: Devices, ranks and precisions on which the model does not fit.
    """

    subject: Subject
    objectives: Objectives
    candidates: tuple[Candidate, ...]
    now: Candidate | None
    too_small: tuple[Way, ...]

    @property
    def best(self) -> Candidate | None:
        """Return the cheapest candidate of a pool that meets the objectives; None where there is none."""
        return next((each for each in self.candidates if each.verdict is Verdict.MEETS and each.offer.pool), None)


def plan(
    subject: Subject, objectives: Objectives, runs: Sequence[Run] = (), *, everywhere: bool = True, now: bool = True
) -> Plan:
    """Return the plan of a model.

    Args:
        subject: The model.
        objectives: What it is to achieve.
        runs: Load tests of the team's own.
        everywhere: Whether instance types that no pool has are looked at too.
        now: Whether the deployment as it is is looked at too.
    """
    found: list[Candidate] = []
    small: list[Way] = []
    for way in ways(subject, objectives.lengths, everywhere=everywhere):
        if not way.fits:
            small.append(way)
            continue
        basis = basis_for(subject, way.machine, way.precision, runs)
        made = [judged(way, offer, objectives, basis) for offer in way.offers]
        for pooled in (True, False):
            own = [each for each in made if bool(each.offer.pool) == pooled]
            if own:
                found.append(min(own, key=_preference))
    found = _without_worse(found)
    found.sort(key=_preference)
    return Plan(subject, objectives, tuple(found), current(subject, objectives, runs) if now else None, tuple(small))


def _preference(each: Candidate) -> tuple[Any, ...]:
    price = each.usd_per_hour if each.replicas else each.offer.usd_per_hour
    return (ORDER.index(each.verdict), price is None, price or 0.0, not each.offer.pool, each.offer.name)


def _without_worse(found: list[Candidate]) -> list[Candidate]:
    """Leave out what no pool has where a pool has the same device, ranks and precision for no more."""
    pooled = {_same(each): each for each in found if each.offer.pool}
    kept = []
    for each in found:
        other = pooled.get(_same(each))
        if each.offer.pool or other is None or _preference(each) < _preference(other):
            kept.append(each)
    return kept


def _same(each: Candidate) -> tuple[Any, ...]:
    return each.way.machine.device, each.way.machine.ranks, each.way.precision


def judged(
    way: Way, offer: Offer, objectives: Objectives, basis: Basis, *, replicas: int | None = None, at_once: int = 0
) -> Candidate:
    """Return a candidate with its verdict.

    Args:
        way: Device, ranks and precision.
        offer: The instance type.
        objectives: What is to be achieved.
        basis: What ranges rest on.
        replicas: A number of replicas that is given; None finds the least one.
        at_once: Most requests at once where they are given; 0 finds them.
    """
    common: dict[str, Any] = {"offer": offer, "way": way, "basis": basis}
    least = floor(way.machine, objectives.lengths)
    if objectives.itl_ms is not None and least.itl_ms is not None and least.itl_ms > objectives.itl_ms:
        reason = f"{least.itl_ms:.0f} ms between tokens at the least: {least.itl_reason}"
        return Candidate(verdict=Verdict.CANNOT, reason=reason, flags=way.flags, **common)
    if objectives.ttft_ms is not None and least.ttft_ms is not None and least.ttft_ms > objectives.ttft_ms:
        reason = f"{least.ttft_ms:.0f} ms to the first token at the least: {least.ttft_reason}"
        return Candidate(verdict=Verdict.CANNOT, reason=reason, flags=way.flags, **common)
    alone = speed(way.machine, objectives.lengths, 1)
    if alone is None:
        reason = f"the tensor peak of {way.machine.device.name} is not known"
        return Candidate(verdict=Verdict.NOT_ESTIMATED, reason=reason, flags=way.flags, **common)
    cap = max(1, min(int(way.room), at_once or MOST_AT_ONCE))
    surely = most_at_once(way.machine, objectives, basis, cap, "deciding")
    likely = surely or most_at_once(way.machine, objectives, basis, cap, "middle")
    if not likely and not at_once:
        # A replica for each request would not make it faster.
        ttft, itl = (at_percentile(basis, metric, alone, objectives) for metric in ("ttft", "itl"))
        verdict, reason = _verdict(objectives, ttft, itl, way, alone)
        reason += ", even of one request at once"
        return Candidate(verdict=verdict, reason=reason, ttft=ttft, itl=itl, flags=way.flags, **common)
    most = cap if at_once else likely
    limit = speed(way.machine, objectives.lengths, most)
    if limit is None:
        return Candidate(verdict=Verdict.NOT_ESTIMATED, flags=way.flags, **common)
    count = replicas or _replicas(objectives, most, limit)
    loaded = _loaded(way.machine, objectives, count, most)
    nodes = ceil(count / max(1, offer.devices // way.machine.ranks))
    rate = objectives.rate if objectives.rate is not None else count * (loaded or limit).rate
    usable = speed(way.machine, objectives.lengths, likely or 1) or limit
    flags = {**way.flags} if at_once else {**way.flags, "max-num-seqs": most}
    shown = loaded or limit
    ttft = at_percentile(basis, "ttft", shown, objectives)
    itl = at_percentile(basis, "itl", shown, objectives)
    verdict, reason = _verdict(objectives, ttft, itl, way, loaded)
    return Candidate(
        verdict=verdict,
        reason=reason,
        at_once=most,
        replicas=count,
        nodes=nodes,
        ttft=ttft,
        itl=itl,
        rate=rate,
        full_rate=count * usable.rate,
        usd_per_hour=None if offer.usd_per_hour is None else nodes * offer.usd_per_hour,
        flags=flags,
        **common,
    )


def _verdict(objectives: Objectives, ttft: Range, itl: Range, way: Way, loaded: Speed | None) -> tuple[Verdict, str]:
    if loaded is None:
        return Verdict.MISSES, "more requests arrive than the replicas finish"
    ways_of = {
        "time to the first token": ttft.inside(objectives.ttft_ms),
        "time between tokens": itl.inside(objectives.itl_ms),
    }
    for verdict in (Verdict.MISSES, Verdict.UNSURE):
        named = [name for name, each in ways_of.items() if each == verdict.value]
        if named:
            return verdict, " and ".join(named)
    if way.assessment.verdict.value != "fits":
        return Verdict.UNSURE, f"whether it starts: {way.assessment.reasons[0]}"
    limits = ((ttft, objectives.ttft_ms), (itl, objectives.itl_ms))
    if any(limit is not None and found.high > limit for found, limit in limits):
        return Verdict.MEETS, LIKELY
    return Verdict.MEETS, ""


def at_percentile(basis: Basis, metric: str, found: Speed, objectives: Objectives) -> Range:
    """Return the range of a time at the percentile that is asked for."""
    value = found.ttft_ms if metric == "ttft" else found.itl_ms
    return basis.range_of(metric, value, found.requests).times(basis.tail(metric, objectives.percentile))


def most_at_once(machine: Machine, objectives: Objectives, basis: Basis, cap: int, end: str) -> int:
    """Return the most requests at once with which one end of the ranges is inside the objectives; 0 where none is."""
    low, high = 0, cap
    while low < high:
        middle = (low + high + 1) // 2
        found = speed(machine, objectives.lengths, middle)
        inside = found is not None and all(
            limit is None or getattr(at_percentile(basis, metric, found, objectives), end) <= limit
            for metric, limit in (("ttft", objectives.ttft_ms), ("itl", objectives.itl_ms))
        )
        if inside:
            low = middle
        else:
            high = middle - 1
    return low


def _replicas(objectives: Objectives, most: int, limit: Speed) -> int:
    if objectives.rate is not None:
        return max(1, ceil(objectives.rate / (limit.rate * HEADROOM)))
    return max(1, ceil((objectives.concurrency or 1) / most))


def _loaded(machine: Machine, objectives: Objectives, replicas: int, most: int) -> Speed | None:
    """Return how fast replicas answer the load; None where they cannot keep up."""
    if objectives.rate is not None:
        return at_rate(machine, objectives.lengths, objectives.rate / replicas, most)
    each = (objectives.concurrency or 1) / replicas
    return speed(machine, objectives.lengths, each) if whole(each) <= most else None


def current(subject: Subject, objectives: Objectives, runs: Sequence[Run] = ()) -> Candidate | None:
    """Return the deployment as it is, on the instance type that Karpenter takes first; None where it has none."""
    way = way_now(subject, objectives.lengths)
    if way is None:
        return None
    basis = basis_for(subject, way.machine, way.precision, runs)
    most = way.assessment.settings.max_num_seqs
    return judged(way, way.offers[0], objectives, basis, replicas=replicas_of(subject), at_once=most)


def first_instance(subject: Subject, ranks: int) -> str:
    """Return the instance type that Karpenter would start for a pod of the model that asks for so many GPUs."""
    return next(iter(pools_for(subject, ranks)), "")


def replicas_of(subject: Subject) -> int:
    """Return the most replicas that the environment allows of the model."""
    from modelyard.placement import demand_by_template

    demand = demand_by_template(subject.environment).get(subject.model.template)
    return max(1, demand.most if demand is not None and demand.most else 1)
