"""What runs cost that are not there all month: Jobs, and CronJobs, which many suspend and start by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from modelyard.costing.amounts import Amount
from modelyard.costing.nodes import disk_costs, fleet_price
from modelyard.placement import Demand, Placement, Scales, fleet, is_run, scales
from modelyard.view import Environment, Workload

HOUR = 3600


@dataclass(frozen=True, slots=True)
class RunCost:
    """What one run costs.

    Attributes:
        name: The workload with its kind, such as `CronJob chat`.
        application: The application that it is of, such as a model.
        nodes: What it adds to the nodes of full scale, such as `1 x g6.xlarge`; empty where it fits on those.
        when: When it runs, such as `started by hand`.
        per_hour: What those nodes cost while it runs.
        longest: The hours after which it is stopped (`activeDeadlineSeconds`); None where nothing stops it.
    """

    name: str
    application: str
    nodes: str
    when: str
    per_hour: Amount
    longest: float | None


def run_costs(environment: Environment) -> tuple[RunCost, ...]:
    """Return what each run adds to the nodes of full scale while it goes on, by name."""
    found = scales(environment)
    runs: dict[Workload, list[tuple[Demand, Placement]]] = {}
    for demand, placement in found.wanted:
        if is_run(demand) and demand.most:
            runs.setdefault(demand.workload, []).append((demand, placement))
    if not runs:
        return ()
    steady = found.steady
    region, disks = str(environment.facts.get("region") or ""), disk_costs(environment)
    before = Counter(node.option.name for node in steady.most.nodes)
    base = fleet_price(steady.most, region, disks)
    made = []
    for workload, parts in runs.items():
        both = Scales(found.cluster, (*steady.wanted, *parts))
        with_run = fleet(found.cluster, both.at(lambda demand: demand.most))
        price = fleet_price(with_run, region, disks)
        added = Counter(node.option.name for node in with_run.nodes) - before
        made.append(
            RunCost(
                f"{workload.kind} {workload.name}",
                workload.manifest.application,
                ", ".join(f"{count} x {kind}" for kind, count in added.items()),
                _when(workload),
                Amount(max(0.0, price.low - base.low), max(0.0, price.high - base.high), price.unknown),
                _longest(workload),
            )
        )
    return tuple(sorted(made, key=lambda each: (each.application, each.name)))


def _when(workload: Workload) -> str:
    if workload.kind == "Job":
        return "once"
    if workload.manifest.get("spec.suspend") is True:
        return "started by hand"
    return f"at {workload.manifest.get('spec.schedule')}"


def _longest(workload: Workload) -> float | None:
    path = "spec.activeDeadlineSeconds" if workload.kind == "Job" else "spec.jobTemplate.spec.activeDeadlineSeconds"
    seconds = workload.manifest.get(path)
    known = isinstance(seconds, int) and not isinstance(seconds, bool) and seconds > 0
    return seconds / HOUR if known else None
