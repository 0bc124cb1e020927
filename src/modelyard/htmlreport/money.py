"""What an environment costs, for the page."""

from __future__ import annotations

from typing import Any

from modelyard.costing import NOT_COUNTED, Amount, Scale, environment_cost
from modelyard.view import Environment


def cost_content(view: Environment) -> dict[str, Any]:
    """Return the cost of models, pools and the platform in USD a month, at the least and at full scale."""
    cost = environment_cost(view)
    return {
        "region": cost.region,
        "models": [_row(each.name, f"{each.pool}: {each.nodes}", each.cost) for each in cost.nodes.models],
        "other-pods": [_row(each.name, f"{each.pool}: {each.nodes}", each.cost) for each in cost.nodes.others],
        "platform": [
            {**_row(each.name, each.quantity, each.cost), "source": f"{each.status}: {each.source}"}
            for each in cost.platform
        ],
        "total": _row("total", "", cost.total),
        "runs": [
            {
                "name": each.name,
                "quantity": f"{each.nodes or 'on nodes of the other pods'}, {each.when}",
                "hour": [round(each.per_hour.low, 2), round(each.per_hour.high, 2)],
                "longest": each.longest,
            }
            for each in cost.runs
        ],
        "sources": dict(cost.nodes.sources or {}),
        "gaps": [{"subject": subject, "reason": reason} for subject, reason in cost.gaps],
        "paid-by-use": list(NOT_COUNTED),
    }


def _row(name: str, quantity: str, cost: Scale) -> dict[str, Any]:
    return {
        "name": name,
        "quantity": quantity,
        "floor": _month(cost.floor),
        "ceiling": _month(cost.ceiling),
        "rolling": _month(cost.rolling),
        "unknown": list(dict.fromkeys((*cost.floor.unknown, *cost.ceiling.unknown))),
    }


def _month(amount: Amount) -> list[float]:
    return [round(each, 2) for each in amount.month]
