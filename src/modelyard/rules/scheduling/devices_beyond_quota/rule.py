"""Pods that a namespace's quota refuses."""

from collections.abc import Callable, Iterator

from modelyard.cluster import ACCELERATORS, Environment, Thing, quantity
from modelyard.findings import Finding, NotChecked, Severity, error, warning
from modelyard.placement import Demand, demands
from modelyard.rules import rule
from modelyard.rules.wording import both

_SCALES: tuple[tuple[Severity, str, Callable[[Demand], int]], ...] = (
    (error, "", lambda demand: demand.least),
    (warning, " at full scale", lambda demand: demand.most),
    (
        warning,
        " while a rollout waits for new pods",
        lambda demand: demand.least + (demand.surge_at_least if demand.waits_for_surge else 0),
    ),
)


@rule("scheduling/devices-beyond-quota", error, since="0.1.0")
def devices_beyond_quota(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Pods beyond the quota of their namespace are not even made; what waits for them has no pod to look at."""
    counted = demands(environment)
    for thing in environment.of_kind("ResourceQuota", ""):
        hard = thing.mapping("spec.hard")
        limits = {name: quantity(hard.get(f"requests.{name}")) for name in ACCELERATORS}
        if all(limit is None for limit in limits.values()):
            continue
        if thing.has("spec.scopes") or thing.has("spec.scopeSelector"):
            yield NotChecked(thing, "which pods its scopes count is not worked out")
            continue
        namespace = environment.namespace_of(thing)
        own = [each for each in counted if environment.namespace_of(each.workload.thing) == namespace]
        for resource, limit in limits.items():
            if limit is not None:
                yield from _beyond(thing, resource, int(limit), own)


def _beyond(thing: Thing, resource: str, limit: int, own: list[Demand]) -> Iterator[Finding]:
    """Yield the first scale at which pods ask for more than a quota has."""
    for severity, when, count in _SCALES:
        asked = [(each, count(each) * each.template.accelerators.get(resource, 0)) for each in own]
        total = sum(devices for _, devices in asked)
        if total <= limit:
            continue
        if "rollout" in when:
            asked = [(each, devices) for each, devices in asked if each.waits_for_surge]
        names = sorted({each.workload.name for each, devices in asked if devices})
        yield Finding(
            at=thing.at(("spec", "hard", f"requests.{resource}")),
            message=f"{thing} permits {limit} {resource}, and {both(names)} "
            f"{'ask' if len(names) > 1 else 'asks'} for {total}{when}",
            fix=f"raise it to at least {total}, or serve less",
            severity=severity,
        )
        return
