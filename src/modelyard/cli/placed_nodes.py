"""What `modelyard place` shows of the nodes of all pods together: against limits and quotas, and whole groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from modelyard.findings import UserError
from modelyard.placement import (
    QUOTA_FACT,
    QUOTAS,
    Fleet,
    ManagedGroup,
    PoolCatalog,
    Quota,
    Resources,
    Units,
    groups_of,
    stated_quotas,
    units,
    vcpus,
    written,
)
from modelyard.reporting import Line, wrapped
from modelyard.view import Environment

Fleets = Sequence[tuple[str, Fleet]]
_NOT_SHOWN = ("pods", "nodes")


def node_lines(environment: Environment, cluster: PoolCatalog, fleets: Fleets, width: int | None) -> list[Line]:
    """Return what is shown of the nodes of an environment."""
    made: list[Line] = []
    for template in sorted(cluster.templates, key=lambda each: each.pool.name):
        name = template.pool.name
        parts = []
        for word, one in fleets:
            used = one.used(name)
            if used["nodes"]:
                nodes = used["nodes"] // 1000
                parts.append(f"{word} {_nodes(nodes)}{_against(used, template.pool.limits)}")
        if parts:
            lead: Line = [("  pool ", "plain"), (name, "strong"), ("  ", "plain")]
            made += wrapped(lead, "; ".join(parts), "plain", width=width, indent=4)
    groups, unread = _groups(environment)
    for group in groups:
        lead = [("  managed group ", "plain"), (group.name, "strong"), ("  ", "plain")]
        made += wrapped(lead, _group(group), "plain", width=width, indent=4)
    if unread:
        made += wrapped([("  not checked: ", "gap")], f"managed node groups ({unread})", "plain", width=width, indent=4)
    for text, role in (*_quotas(environment, fleets, groups), *_left(fleets)):
        made += wrapped([("  ", "plain")], text, role, width=width, indent=4)
    for word, one in fleets:
        if one.unknown:
            text = f"the nodes {word} ({one.unknown})"
            made += wrapped([("  not checked: ", "gap")], text, "plain", width=width, indent=4)
    return made


def nodes_content(environment: Environment, fleets: Fleets) -> dict[str, Any]:
    """Return vCPUs by quota and incomplete groups for JSON."""
    groups, _ = _groups(environment)
    stated = stated_quotas(environment)
    return {
        "managed-groups": [
            {"name": each.name, "instance-types": list(each.instance_types), "least": each.least, "most": each.most}
            for each in groups
        ],
        "vcpu-quotas": [
            {
                "name": quota.key,
                "code": quota.code,
                "quota": quota.name,
                "stated": stated.get(quota.key),
                "used": {word: used.get(quota.key, 0) for word, used in _used(fleets, groups)},
            }
            for quota in QUOTAS
            if any(used.get(quota.key) for _, used in _used(fleets, groups))
        ],
        "units": {
            word: [
                {
                    "workload": str(each.workload),
                    "unit": each.name,
                    "pods": each.pods,
                    "wanted": each.wanted,
                    "whole": each.whole,
                }
                for each in units(one)
            ]
            for word, one in fleets
        },
    }


def _groups(environment: Environment) -> tuple[tuple[ManagedGroup, ...], str]:
    try:
        return groups_of(environment), ""
    except UserError as error:
        return (), error.message


def _group(group: ManagedGroup) -> str:
    types = ", ".join(group.instance_types) or "no instance type"
    block = "; capacity paid for as a block" if group.reserved else ""
    return f"{group.least} to {_nodes(group.most)} of {types}{block}"


def _used(fleets: Fleets, groups: Sequence[ManagedGroup]) -> list[tuple[str, dict[str, int]]]:
    """Return on-demand vCPUs by quota at each scale; capacity blocks count against none of these quotas."""
    found = []
    for position, (word, one) in enumerate(fleets):
        kinds = [(node.option.kind, node.capacity_type) for node in one.nodes]
        for group in groups:
            count = group.least if position == 0 else group.most
            kinds += [(kind, "on-demand") for kind in group.kinds[:1]] * (0 if group.reserved else count)
        found.append((word, vcpus(kinds)))
    return found


def _quotas(environment: Environment, fleets: Fleets, groups: Sequence[ManagedGroup]) -> Iterator[tuple[str, str]]:
    stated, used = stated_quotas(environment), _used(fleets, groups)
    unknown: list[Quota] = []
    for quota in QUOTAS:
        if not any(each.get(quota.key) for _, each in used):
            continue
        shown = "; ".join(f"{word} {each.get(quota.key, 0):,}" for word, each in used)
        have = stated.get(quota.key)
        beyond = have is not None and any(each.get(quota.key, 0) > have for _, each in used)
        of = f" of {have:,}" if have is not None else ""
        yield f"vCPUs of quota {quota.key}{of} ({quota.code}, {quota.name}): {shown}", "warning" if beyond else "plain"
        if have is None:
            unknown.append(quota)
    if unknown:
        names = " and ".join(quota.key for quota in unknown)
        yield f"what the account has of {names} is not known; {QUOTA_FACT} of environment.yaml would state it", "faint"


def _left(fleets: Fleets) -> Iterator[tuple[str, str]]:
    for word, one in fleets:
        names = sorted({str(demand.workload) for demand in one.left})
        if names:
            yield f"{word}, {len(one.left)} pods of {', '.join(names)} find no place beside the others", "warning"
        for each in units(one):
            if each.whole < each.wanted:
                yield f"{word}, {_whole(each)}", "warning"


def _whole(each: Units) -> str:
    plural = "s" if each.wanted != 1 else ""
    return (
        f"{each.whole} of {each.wanted} {each.name}{plural} of {each.workload} "
        f"{'is' if 1 in (each.whole, each.wanted) else 'are'} "
        f"whole; one serves only when all of its {each.pods} pods run"
    )


def _nodes(count: int) -> str:
    return f"{count} node{'' if count == 1 else 's'}"


def _against(used: Resources, limits: Resources) -> str:
    shown = [
        f"{used.get(name, 0) / 1000:,.0f} of {written(name, limit)}"
        if name not in ("memory", "ephemeral-storage")
        else f"{written(name, used.get(name, 0))} of {written(name, limit)}"
        for name, limit in sorted(limits.items())
        if name not in _NOT_SHOWN
    ]
    return f" ({', '.join(shown)})" if shown else ""
