"""What models and the environment cost, before and after.

Nothing is called saved where a pod finds no node: such a pod costs nothing because it does not run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelyard.diffing.model import ApplicationChange, EnvironmentChange, Kind, MonthlyCost
from modelyard.diffing.running import unscheduled_applications
from modelyard.reporting import listed
from modelyard.view import Environment
from modelyard.wording import counted

if TYPE_CHECKING:
    from modelyard.costing import Scale

MONTHLY = "$/month"
_CENTS = 0.5


def compare_costs(change: EnvironmentChange, before: Environment | None, after: Environment) -> None:
    """Set what the changed models and the whole environment cost in a month, from fewest to most replicas.

    Models share nodes, so both sides have to hold every Application of the environment.
    """
    left = unscheduled_applications(after, full_scale=True)
    for each in change.applications:
        if each.model:
            each.cost = _of_model(each, before, after, each.name in left)
            each.columns[MONTHLY] = ("", difference_text(each.cost))
    change.cost = _of_environment(before, after, len(left))


def difference_text(cost: MonthlyCost, unit: str = "") -> str:
    """Return by how much a cost differs, such as `+380 … +760`, or why it is not known.

    Args:
        cost: The cost on both sides.
        unit: What stands before each figure, such as `$`.
    """
    found = cost.difference
    if found is None:
        return f"not known: {cost.unknown}"
    least, most = found
    if abs(most - least) < _CENTS:
        return signed(least, unit)
    return f"{signed(least, unit)} … {signed(most, unit)}"


def signed(usd: float, unit: str = "") -> str:
    """Return an amount with its sign, such as `+$760`, or `±0` below half a dollar."""
    if abs(usd) < _CENTS:
        return f"±{unit}0"
    return f"{'+' if usd > 0 else '−'}{unit}{abs(usd):,.0f}"  # noqa: RUF001 - a minus sign


def rest_of(change: EnvironmentChange) -> str:
    """Return by how much everything differs but the changed models; empty where it does not, or is not known."""
    whole = change.cost.difference if change.cost is not None else None
    parts = [each.cost.difference if each.cost is not None else None for each in change.applications if each.model]
    if change.cost is None or whole is None or None in parts:
        return ""
    sides = [
        [getattr(cost, side) for cost in (change.cost, *(each.cost for each in change.applications if each.model))]
        for side in ("before", "after")
    ]
    before, after = ((_rest(side, 0), _rest(side, 1)) for side in sides)
    rest = MonthlyCost(before, after)
    differs = rest.difference is not None and max(map(abs, rest.difference)) >= _CENTS
    return difference_text(rest) if differs else ""


def _rest(side: list[tuple[float, float]], end: int) -> float:
    return side[0][end] - sum(each[end] for each in side[1:])


def provenance(cost: MonthlyCost) -> str:
    """Return what the figures are: which prices, of which day, and what has none."""
    if cost.unknown:
        return f"Cost is not given: {cost.unknown}"
    text = f"Cost: {cost.prices}; a month has 730 hours"
    return f"{text}; no price is known for {listed(list(cost.unpriced), most=4)}" if cost.unpriced else text


def _of_model(change: ApplicationChange, before: Environment | None, after: Environment, left: bool) -> MonthlyCost:
    from modelyard.costing import Scale, environment_cost

    name_before = change.name_before or change.name
    old = environment_cost(before).of_model(name_before) if before and change.kind is not Kind.ADDED else Scale()
    new = environment_cost(after).of_model(change.name) if change.kind is not Kind.REMOVED else Scale()
    if left and change.kind is not Kind.REMOVED:
        return MonthlyCost(unknown="pods of it find no node")
    if old is None or new is None:
        return MonthlyCost(unknown="its pods are on no node that is priced")
    unpriced = [*old.ceiling.unknown, *new.ceiling.unknown]
    if unpriced:
        return MonthlyCost(unknown=f"no price for {unpriced[0]}")
    return MonthlyCost(_month(old), _month(new))


def _of_environment(before: Environment | None, after: Environment, left: int) -> MonthlyCost:
    from modelyard.costing import Scale, environment_cost, price_provenance

    old = environment_cost(before).total if before else Scale()
    new = environment_cost(after).total
    unpriced = tuple(dict.fromkeys((*old.ceiling.unknown, *new.ceiling.unknown)))
    sides = (_month(old), _month(new))
    unknown = ""
    if left:
        unknown = f"pods of {counted(left, 'Application')} find no node"
    elif before and set(old.ceiling.unknown) != set(new.ceiling.unknown):
        unknown = f"no price for {unpriced[0]}"
    prices = price_provenance(str(after.facts.get("region") or ""), environment_cost(after).nodes.sources or ())
    return MonthlyCost(*sides, unknown, unpriced, prices)


def _month(scale: Scale) -> tuple[float, float]:
    """Return the least and the most of a month, to the cent."""
    return round(scale.floor.month[0], 2), round(scale.ceiling.month[1], 2)
