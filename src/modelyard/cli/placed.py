"""What `modelyard place` shows of one environment, as lines and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelyard.cli.placed_nodes import node_lines, nodes_content
from modelyard.findings import UserError
from modelyard.placement import (
    SPOT,
    Demand,
    Fleet,
    GroupVerdict,
    Placement,
    PoolCatalog,
    PoolVerdict,
    Resources,
    cluster,
    demand_by_template,
    disk_use,
    other_architecture,
    placements,
    scales,
    written,
)
from modelyard.reporting import Line, wrapped
from modelyard.view import Environment, PodTemplate

_SHOWN_TYPES = 3


@dataclass(frozen=True)
class Placed:
    """One environment.

    Attributes:
        environment: The environment.
        cluster: Its pools.
        placements: Where the pods of the Applications that are shown can run.
        demands: How many pods there are, by pod template.
        fleets: The nodes of all pods together: at least, at most, and while everything rolls at full scale.
    """

    environment: Environment
    cluster: PoolCatalog
    placements: tuple[Placement, ...]
    demands: Mapping[PodTemplate, Demand]
    fleets: tuple[tuple[str, Fleet], ...]

    @property
    def refused(self) -> bool:
        """Return whether pods that are shown can run nowhere."""
        return any(each.refused for each in self.placements)

    @property
    def unknown(self) -> bool:
        """Return whether something could not be told."""
        return bool(self.cluster.gaps) or any(each.unknown for each in self.placements)


def placed(environment: Environment, applications: Sequence[str]) -> Placed:
    """Return where the pods of an environment run.

    Raises:
        UserError: A named Application does not exist.
    """
    names = {each.name for each in environment.applications}
    missing = [name for name in applications if name not in names]
    if missing:
        raise UserError(
            f"environment {environment.name} has no application {missing[0]}",
            fix=f"applications of {environment.name}: {', '.join(sorted(names)) or 'none'}",
        )
    seen = cluster(environment)
    everything = placements(environment)
    shown = tuple(each for each in everything if not applications or each.workload.manifest.application in applications)
    return Placed(
        environment, seen, shown, demand_by_template(environment), scales(environment).named if seen.templates else ()
    )


def lines(found: Placed, width: int | None) -> list[Line]:
    """Return what is shown of an environment."""
    made: list[Line] = [[(found.environment.name, "strong")]]
    models = {model.template for model in found.environment.models}
    for each in found.placements:
        made += _placement(each, found.demands.get(each.template), width)
        if each.template in models:
            made += _elsewhere(each, found.cluster, width)
    for subject, reason in found.cluster.gaps:
        made += wrapped([("  not checked: ", "gap")], f"{subject} ({reason})", "plain", width=width, indent=4)
    made += node_lines(found.environment, found.cluster, found.fleets, width)
    made.append([])
    return made


def _placement(found: Placement, demand: Demand | None, width: int | None) -> list[Line]:
    asks = ", ".join(written(name, value) for name, value in sorted(found.shape.requests.items()) if name != "pods")
    lead: Line = [("  ", "plain"), (str(found.template.manifest), "strong")]
    part = "" if len(found.workload.templates) < 2 else f", {_part(found)}"
    made = list(
        wrapped(
            [*lead, (part + ": ", "plain")],
            _count(found, demand) + (asks or "no requests"),
            "plain",
            width=width,
            indent=6,
        )
    )
    if found.unknown:
        made += wrapped([("    not checked: ", "gap")], found.unknown, "plain", width=width, indent=6)
    if found.daemon:
        pools = ", ".join(sorted(found.nodes_with_daemon))
        made.append([("    ", "plain"), (f"on the nodes of {pools}" if pools else "on the nodes of no pool", "plain")])
        return made
    for taken in found.taking:
        text = f"{taken.group.instance_types[0]}, a managed node group; {_on_nodes(taken, demand)}"
        lead = [("    ", "plain"), (taken.group.name, "good"), ("  ", "plain")]
        made += wrapped(lead, text, "plain", width=width, indent=6)
    for verdict in found.accepting:
        made += wrapped(
            [("    ", "plain"), (verdict.pool, "good"), ("  ", "plain")],
            _taken(verdict),
            "plain",
            width=width,
            indent=6,
        )
    use = disk_use(found)
    if use is not None and use.overfull:
        made += wrapped([("    more than the disk: ", "warning")], str(use), "plain", width=width, indent=6)
    if found.refused:
        made += [[("    no node pool takes them", "error")]]
        if not found.verdicts:
            why = "Karpenter starts no nodes for resource claims" if found.shape.claims else found.shape.ignored
            made += wrapped([("    ", "plain")], why, "plain", width=width, indent=6)
        reasons = [(each.pool, each.reasons) for each in found.verdicts]
        reasons += [(f"managed group {each.group.name}", each.reasons) for each in found.groups]
        for name, said in reasons:
            lead = [("    ", "plain"), (name, "strong"), ("  ", "plain")]
            made += wrapped(lead, "; ".join(said), "plain", width=width, indent=6)
    return made


def _elsewhere(found: Placement, seen: PoolCatalog, width: int | None) -> list[Line]:
    """Say what a model on CPUs costs on nodes of another architecture, where the environment has some."""
    other = other_architecture(found, seen)
    if other is None:
        return []
    first = other.options[0]
    price = first.price(other.requirements)
    text = f"{first.name} at {price:,.4f} USD an hour would take them too, where the image is built for it"
    lead: Line = [("    ", "plain"), (f"{other.pool} ({first.kind.architecture})", "strong"), ("  ", "plain")]
    return list(wrapped(lead, text, "plain", width=width, indent=6))


def _on_nodes(taken: GroupVerdict, demand: Demand | None) -> str:
    nodes = taken.nodes
    most = f"{nodes} node{'' if nodes == 1 else 's'} at most, {taken.pods_per_node} of these pods on each"
    if demand is not None and demand.most > taken.most_pods:
        return f"{most}, so {demand.most - taken.most_pods} of {demand.most} pods find no place"
    return most


def _part(found: Placement) -> str:
    return ".".join(str(step) for step in found.template.path if step not in ("spec", "template"))


def _count(found: Placement, demand: Demand | None) -> str:
    if found.daemon or demand is None:
        return ""
    pods = f"{demand.least}" if demand.least == demand.most else f"{demand.least} to {demand.most}"
    return f"{pods} {'pod' if pods == '1' else 'pods'} with "


def _taken(verdict: PoolVerdict) -> str:
    first, *others = verdict.options
    price = first.price(verdict.requirements)
    named = first.name + (f" at {price:,.4f} USD an hour" if price is not None else ", whose price is not known")
    if verdict.capacity_types == (SPOT,) and price is None:
        named = f"{first.name} (spot prices are not known; in the order of on-demand prices)"
    if others:
        shown = ", ".join(option.name for option in others[:_SHOWN_TYPES])
        more = len(others) - _SHOWN_TYPES
        named += f", then {shown}" + (f" and {more} more" if more > 0 else "")
    unsure = "" if verdict.certain(first) else f"; {first.name} is not in every zone"
    wishes = f"; gives up {verdict.wishes_given_up} of its wishes" if verdict.wishes_given_up else ""
    return f"{named}; {' or '.join(verdict.capacity_types)}; {', '.join(verdict.zones)}{unsure}{wishes}"


def as_mapping(found: Placed) -> dict[str, Any]:
    """Return an environment for JSON; amounts are in base units: cores, bytes, pieces."""
    return {
        "name": found.environment.name,
        "workloads": [_workload(each, found.demands.get(each.template)) for each in found.placements],
        "pools": [
            {
                "name": template.pool.name,
                "limits": _plain(template.pool.limits),
                "used": {word: _plain(one.used(template.pool.name)) for word, one in found.fleets},
            }
            for template in found.cluster.templates
        ],
        **nodes_content(found.environment, found.fleets),
        "left": {word: sorted({str(demand.workload) for demand in one.left}) for word, one in found.fleets},
        "not-checked": [
            *({"subject": str(subject), "reason": reason} for subject, reason in found.cluster.gaps),
            *({"subject": f"the nodes {word}", "reason": one.unknown} for word, one in found.fleets if one.unknown),
        ],
    }


def _workload(found: Placement, demand: Demand | None) -> dict[str, Any]:
    return {
        "application": found.workload.manifest.application,
        "kind": found.workload.kind,
        "name": found.workload.name,
        "template": list(found.template.path),
        "requests": _plain(found.shape.requests),
        "pods": None if demand is None else {"least": demand.least, "most": demand.most, "surge": demand.surge},
        "not-checked": found.unknown,
        "managed-groups": [
            {
                "name": each.group.name,
                "accepts": each.accepted,
                "reasons": list(each.reasons),
                "pods-per-node": each.pods_per_node,
                "nodes": {"least": each.group.least, "most": each.group.most},
            }
            for each in found.groups
        ],
        "pools": [
            {
                "name": verdict.pool,
                "accepts": verdict.accepted,
                "reasons": list(verdict.reasons),
                "instance-types": [
                    {
                        "name": option.name,
                        "usd-per-hour": option.price(verdict.requirements),
                        "certain": verdict.certain(option),
                    }
                    for option in verdict.options
                ],
                "zones": list(verdict.zones),
                "capacity-types": list(verdict.capacity_types),
            }
            for verdict in found.verdicts
        ],
    }


def _plain(amounts: Resources) -> dict[str, float | int]:
    return {name: value // 1000 if value % 1000 == 0 else value / 1000 for name, value in amounts.items()}
