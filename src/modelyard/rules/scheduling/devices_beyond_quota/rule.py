"""Pods that a namespace's quota refuses."""

from collections.abc import Callable, Iterator

from modelyard.findings import Finding, NotChecked, Severity, error, warning
from modelyard.placement import Demand, demands
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import ACCELERATORS, Environment, Manifest, quantity

_SCALES: tuple[tuple[Severity, str, Callable[[Demand], int]], ...] = (
    (error, "", lambda demand: demand.least),
    (warning, " at full scale", lambda demand: demand.most),
)


@rule("scheduling/devices-beyond-quota", error, since="0.1.0")
def devices_beyond_quota(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The API server does not create pods beyond the ResourceQuota of their namespace."""
    counted = demands(environment)
    for manifest in environment.of_kind("ResourceQuota", ""):
        hard = manifest.mapping("spec.hard")
        limits = {name: quantity(hard.get(f"requests.{name}")) for name in ACCELERATORS}
        if all(limit is None for limit in limits.values()):
            continue
        if manifest.has("spec.scopes") or manifest.has("spec.scopeSelector"):
            yield NotChecked(manifest, "quotas with scopes are not evaluated")
            continue
        namespace = environment.namespace_of(manifest)
        own = [each for each in counted if environment.namespace_of(each.workload.manifest) == namespace]
        for resource, limit in limits.items():
            if limit is not None:
                yield from _beyond(manifest, resource, int(limit), own)


def _beyond(manifest: Manifest, resource: str, limit: int, own: list[Demand]) -> Iterator[Finding]:
    """Yield the first scale at which pods ask for more than a quota has; else the first rollout that finds no room."""
    for severity, when, count in _SCALES:
        asked = [(each, count(each) * each.template.accelerators.get(resource, 0)) for each in own]
        total = sum(devices for _, devices in asked)
        if total > limit:
            names = sorted({each.workload.name for each, devices in asked if devices})
            who = f"{both(names)} {'request' if len(names) > 1 else 'requests'} {total}{when}"
            yield _finding(manifest, resource, limit, who, total, severity)
            return
    least = sum(each.least * each.template.accelerators.get(resource, 0) for each in own)
    for name, beside in _rollouts(own, resource):
        if least + beside > limit:
            who = f"its pods request {least + beside} while a rollout of {name} waits for new ones"
            yield _finding(manifest, resource, limit, who, least + beside, warning)
            return


def _rollouts(own: list[Demand], resource: str) -> Iterator[tuple[str, int]]:
    """Yield workloads whose rollout stands still without room beside the old pods, and the devices that it waits for.

    One pod, or all of a group or cluster; what changes at the same time is not taken to be everything.
    """
    beside: dict[str, int] = {}
    for each in own:
        if each.waits_for_surge:
            pods = each.surge_at_least if each.unit else min(each.surge_at_least, 1)
            name = str(each.workload)
            beside[name] = beside.get(name, 0) + pods * each.template.accelerators.get(resource, 0)
    yield from beside.items()


def _finding(manifest: Manifest, resource: str, limit: int, who: str, total: int, severity: Severity) -> Finding:
    return Finding(
        at=manifest.at(("spec", "hard", f"requests.{resource}")),
        message=f"{manifest} allows {limit} {resource}, but {who}",
        fix=f"raise it to at least {total}, or run fewer replicas",
        severity=severity,
    )
