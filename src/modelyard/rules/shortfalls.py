"""Pods without a place at the scales of an environment, as `modelyard place` shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from modelyard.findings import Severity, error, warning
from modelyard.placement import Demand, Remainder, Scales, Shortfall, scales, shortfalls
from modelyard.repository import derived
from modelyard.rules.wording import both, plural
from modelyard.view import Environment


@dataclass(frozen=True)
class Told:
    """A shortfall with how bad it is.

    Attributes:
        shortfall: What keeps pods without a place.
        severity: An error for pods that are always there, a warning for those of full scale, and for those that the
            order in which workloads come decides about.
        when: `at full scale `, or empty.
    """

    shortfall: Shortfall
    severity: Severity
    when: str = ""


@derived
def told_shortfalls(environment: Environment) -> tuple[Told | str, ...]:
    """Return what keeps pods without a place, or why it is not known."""
    return tuple(_told(scales(environment))) if environment.pools else ()


def _told(found: Scales) -> Iterator[Told | str]:
    if found.least.unknown:
        yield found.least.unknown
        return
    said: set[tuple[str, str]] = set()
    demands: set[Demand] = set()
    for whole in shortfalls(found, found.least, lambda demand: demand.least):
        # Groups that are always there have a rule of their own.
        each = replace(whole, remainders=tuple(one for one in whole.remainders if not one.demand.unit))
        if not each.remainders:
            continue
        said.add((each.pool, each.resource))
        demands |= {one.demand for one in each.remainders}
        yield Told(each, warning if each.by_order else error)
    if not any(demand.most > demand.least for demand, _ in found.wanted):
        return
    if found.most.unknown:
        yield found.most.unknown
        return
    for whole in shortfalls(found, found.most, lambda demand: demand.most):
        # So have those that no scaler adds to.
        each = replace(
            whole,
            remainders=tuple(
                one for one in whole.remainders if not one.demand.unit or one.demand.most > one.demand.least
            ),
        )
        if not each.remainders:
            continue
        new = any(one.demand not in demands for one in each.remainders)
        if new if not each.pool else (each.pool, each.resource) not in said:
            yield Told(each, warning, "at full scale ")


def pods_of(remainders: tuple[Remainder, ...]) -> str:
    """Return `1 of 3 pods of Deployment chat and all 2 pods of Job copy`."""
    counted: dict[str, tuple[int, int]] = {}
    for each in remainders:
        left, wanted = counted.get(str(each.demand.workload), (0, 0))
        counted[str(each.demand.workload)] = left + each.pods, wanted + each.wanted
    return both(
        f"{left} of {plural(wanted, 'pod')} of {workload}"
        if left < wanted
        else f"{'the pod' if left == 1 else f'all {left} pods'} of {workload}"
        for workload, (left, wanted) in counted.items()
    )
