"""Devices that nothing offers to pods."""

from collections.abc import Iterator, Mapping

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import Placement, placements
from modelyard.rules import rule
from modelyard.rules.devices.plugins import PLUGIN_OF, Plugin, held_by_image, running
from modelyard.rules.remedies import bring_component
from modelyard.rules.wording import both
from modelyard.view import Application, Container, Environment, Workload, mapping, quantity


@rule("devices/missing-plugin", error, since="0.1.0", absence="cluster")
def missing_plugin(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without a device plugin, a node has no allocatable devices: it starts and costs money, but pods stay Pending."""
    daemons = {each.workload: each for each in placements(environment) if each.daemon}
    for found in placements(environment):
        if found.daemon or not found.accepting:
            continue
        for container, resource in _asked(found):
            plugin = PLUGIN_OF[resource]
            bare = _pools_without(environment, found, plugin)
            brought = running(environment, plugin)
            if brought and (bare := _unreached(bare, brought, daemons)):
                yield Finding(
                    at=container.at("resources", _field(container, resource), resource, key=True),
                    message=f"{found.template} request {resource}, but {both(map(str, brought))} runs no pods on nodes "
                    f"of node pool{'s' if len(bare) > 1 else ''} {both(bare)}: taints or node selectors keep them off",
                    fix="let its pods tolerate the taints of these pools and select their nodes",
                )
                continue
            if not bare or brought:
                continue
            yield Finding(
                at=container.at("resources", _field(container, resource), resource, key=True),
                message=f"{found.template} request {resource}, which no device plugin offers on nodes of node "
                f"pool{'s' if len(bare) > 1 else ''} {both(bare)}",
                fix=bring_component(environment, plugin.component),
            )


def _asked(found: Placement) -> Iterator[tuple[Container, str]]:
    """Yield each resource of a plugin once, with the first container that asks for it."""
    seen: set[str] = set()
    for container in found.template.containers:
        for resource in PLUGIN_OF:
            if resource not in seen and quantity(container.requested(resource)):
                seen.add(resource)
                yield container, resource


def _pools_without(environment: Environment, found: Placement, plugin: Plugin) -> list[str]:
    taking = {each.pool for each in found.accepting}
    return sorted(pool.name for pool in environment.pools if pool.name in taking and not held_by_image(plugin, pool))


def _unreached(
    pools: list[str], brought: tuple[Workload | Application, ...], daemons: Mapping[Workload, Placement]
) -> list[str]:
    """Return the pools on whose nodes no pod of a plugin runs; none where a chart brings it."""
    reached: set[str] = set()
    for each in brought:
        if isinstance(each, Application) or each not in daemons:
            return []
        reached |= set(daemons[each].nodes_with_daemon)
    return [name for name in pools if name not in reached]


def _field(container: Container, resource: str) -> str:
    return "limits" if resource in mapping(container.value, "resources", "limits") else "requests"
