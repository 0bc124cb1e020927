"""`modelyard cost`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelyard.cli.boundary import verb
from modelyard.cli.options import Folder, environment_option
from modelyard.findings import ExitCode

if TYPE_CHECKING:
    from modelyard.costing import Amount, EnvironmentCost, Owner, RunCost, Scale
    from modelyard.reporting import Line

_NAME, _QUANTITY, _MONEY = 30, 40, 14
_SCALES = ("floor", "full scale", "rolling")


@verb
def command(
    path: Folder = Path(),
    environment: Annotated[
        list[str] | None,
        environment_option("This environment only; may be repeated."),
    ] = None,
    sources: Annotated[bool, typer.Option("--sources", help="Name the source of every price.")] = False,
    hourly: Annotated[bool, typer.Option("--hourly", help="USD an hour instead of a month of 730 hours.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, by hour and by month.")] = False,
) -> int:
    """Estimate the cost of models, pools and environments: minimum, maximum, and during a rollout of everything.

    Prices are on-demand and without taxes and discounts. What has no known price is named, and never counted as free.
    Jobs and CronJobs are priced by the hour of a run, outside of the total.
    """
    from modelyard.cli.terminal import show
    from modelyard.cli.views import views
    from modelyard.costing import environment_cost

    _, found, gaps = views(path, environment or [])
    costs = [environment_cost(view) for view in found]
    told = {(cost.name, subject) for cost in costs for subject, _ in cost.gaps}
    unread = [
        (gap.environment, str(gap.subject), gap.reason)
        for gap in gaps
        if gap.application and (gap.environment, f"application {gap.application}") not in told
    ]
    if as_json:
        content = [_content(cost, [each[1:] for each in unread if each[0] == cost.name]) for cost in costs]
        from modelyard.reporting import json_text

        sys.stdout.write(json_text({"environments": content, "hours-per-month": 730}))
        return ExitCode.CLEAN
    lines: list[Line] = []
    for cost in costs:
        own = [each[1:] for each in unread if each[0] == cost.name]
        lines += [*_lines(cost, own, hourly=hourly, sources=sources), []]
    show(lines[:-1])
    return ExitCode.CLEAN


def _lines(cost: EnvironmentCost, unread: list[tuple[str, str]], *, hourly: bool, sources: bool) -> Iterator[Line]:
    from modelyard.costing import NOT_COUNTED, price_provenance
    from modelyard.reporting import visible

    unit = "USD/hour" if hourly else "USD/month"
    heads = "".join(each.rjust(_MONEY) for each in _SCALES)
    yield [
        (visible(cost.name).ljust(_NAME), "strong"),
        (visible(f"{cost.region or 'no region'}, {unit}").ljust(_QUANTITY), "faint"),
        (heads, "faint"),
    ]
    for title, owners in (("models", cost.nodes.models), ("other pods", cost.nodes.others)):
        if owners:
            yield [(title, "strong")]
        for owner in owners:
            yield _row(_owner(owner), f"{owner.pool}: {owner.nodes}", owner.cost, hourly)
    if cost.nodes.pools:
        yield [("pools (the nodes of the pods above)", "strong")]
    for pool in cost.nodes.pools:
        low, high, rolling = pool.nodes
        words = f"{low} node{'s' if low != 1 else ''}, {high} at full scale, {rolling} while rolling"
        yield _row(pool.name, words, pool.cost, hourly)
    if cost.platform:
        yield [("platform", "strong")]
    for line in cost.platform:
        yield _row(line.name, line.quantity, line.cost, hourly)
        if sources:
            yield [(f"    {line.status}: {visible(line.source)}", "faint")]
    yield _row("total", "", cost.total, hourly, total=True)
    if cost.runs:
        yield [("runs (while they run; not in the total)", "strong")]
    for run in cost.runs:
        yield _run(run)
    if sources:
        for name, source in (cost.nodes.sources or {}).items():
            yield [(f"  {visible(name)}: {visible(source)}", "faint")]
    unknown = tuple(dict.fromkeys(each for scale in _scales(cost.total) for each in scale.unknown))
    for name in unknown:
        yield [("no known price: ", "gap"), (visible(name), "plain")]
    for subject, reason in dict.fromkeys((*cost.gaps, *unread)):
        yield [("not counted: ", "gap"), (visible(f"{subject}: {reason}"), "plain")]
    yield [("prices: ", "faint"), (visible(price_provenance(cost.region, cost.nodes.sources or ())), "faint")]
    yield [("paid by use, not counted: ", "faint"), ("; ".join(NOT_COUNTED), "faint")]


def _owner(owner: Owner) -> str:
    return owner.name


def _row(name: str, words: str, cost: Scale, hourly: bool, *, total: bool = False) -> Line:
    from modelyard.reporting import visible

    money = "".join(_money(each, hourly, total=total).rjust(_MONEY) for each in _scales(cost))
    lead = f"  {visible(name)}"
    return [
        (lead.ljust(_NAME), "strong" if total else "plain"),
        (visible(f" {words}").ljust(_QUANTITY), "faint"),
        (money, "strong" if total else "plain"),
    ]


def _run(run: RunCost) -> Line:
    from modelyard.costing import printed
    from modelyard.reporting import visible

    price = "unknown" if run.per_hour.unknown and not run.per_hour.low else f"{printed(run.per_hour.high)} USD/hour"
    if run.longest is not None:
        price += f", {printed(run.per_hour.high * run.longest)} USD in the {run.longest:g} hours that it may take"
    nodes = run.nodes or "on nodes of the pods above"
    return [
        (f"  {visible(run.name)}".ljust(_NAME), "plain"),
        (visible(f" {nodes}, {run.when}").ljust(_QUANTITY), "faint"),
        (f" {price}", "plain"),
    ]


def _scales(cost: Scale) -> tuple[Amount, Amount, Amount]:
    return cost.floor, cost.ceiling, cost.rolling


def _money(amount: Amount, hourly: bool, *, total: bool) -> str:
    from modelyard.costing import printed

    low, high = (amount.low, amount.high) if hourly else amount.month
    if amount.unknown and not low:
        return "unknown"
    text = printed(low, total=total) if low == high else f"{printed(low)}\u2013{printed(high)}"
    return f"\u2265 {text}" if amount.unknown else text


def _content(cost: EnvironmentCost, unread: list[tuple[str, str]]) -> dict[str, Any]:
    from modelyard.costing import NOT_COUNTED

    return {
        "name": cost.name,
        "region": cost.region or None,
        "models": [_share(each) for each in cost.nodes.models],
        "other-pods": [_share(each) for each in cost.nodes.others],
        "pools": [
            {"name": each.name, "nodes": dict(zip(_KEYS, each.nodes, strict=True)), "cost": _cost(each.cost)}
            for each in cost.nodes.pools
        ],
        "platform": [
            {
                "name": each.name,
                "quantity": each.quantity,
                "cost": _cost(each.cost),
                "status": each.status,
                "source": each.source,
            }
            for each in cost.platform
        ],
        "total": _cost(cost.total),
        "runs": [
            {
                "name": each.name,
                "application": each.application,
                "nodes": each.nodes or None,
                "when": each.when,
                "cost": _amount(each.per_hour),
                "longest-hours": each.longest,
            }
            for each in cost.runs
        ],
        "instance-price-sources": dict(cost.nodes.sources or {}),
        "not-counted": [
            {"subject": subject, "reason": reason} for subject, reason in dict.fromkeys((*cost.gaps, *unread))
        ],
        "paid-by-use": list(NOT_COUNTED),
    }


_KEYS = ("floor", "full-scale", "rolling")


def _share(owner: Owner) -> dict[str, Any]:
    return {"name": owner.name, "pool": owner.pool, "nodes": owner.nodes, "cost": _cost(owner.cost)}


def _cost(cost: Scale) -> dict[str, Any]:
    return {name: _amount(each) for name, each in zip(_KEYS, _scales(cost), strict=True)}


def _amount(amount: Amount) -> dict[str, Any]:
    low, high = amount.month
    return {
        "usd-per-hour": [round(amount.low, 6), round(amount.high, 6)],
        "usd-per-month": [round(low, 2), round(high, 2)],
        "unknown": list(amount.unknown),
    }
