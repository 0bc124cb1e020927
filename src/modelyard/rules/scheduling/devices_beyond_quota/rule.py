"""Replicas that a namespace's quota refuses."""

from collections import defaultdict
from collections.abc import Iterator

from modelyard.cluster import ACCELERATORS, Environment, quantity
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both


@rule("scheduling/devices-beyond-quota", error, since="0.1.0")
def devices_beyond_quota(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Pods beyond the quota of their namespace are not even made; the Deployment waits without one."""
    for thing in environment.of_kind("ResourceQuota", ""):
        if thing.has("spec.scopes") or thing.has("spec.scopeSelector"):
            continue
        asked = _asked(environment, environment.namespace_of(thing))
        hard = thing.mapping("spec.hard")
        for resource in ACCELERATORS:
            limit = quantity(hard.get(f"requests.{resource}"))
            total = sum(asked[resource].values())
            if limit is not None and total > limit:
                yield Finding(
                    at=thing.at(("spec", "hard", f"requests.{resource}")),
                    message=f"{thing} permits {limit} {resource}, and {both(sorted(asked[resource]))} "
                    f"{'ask' if len(asked[resource]) > 1 else 'asks'} for {total}",
                    fix=f"raise it to at least {total}, or serve less",
                )


def _asked(environment: Environment, namespace: str) -> dict[str, dict[str, int]]:
    """Return devices by resource and workload of a namespace."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for template in environment.pods_in(namespace):
        replicas = template.thing.get("spec.replicas", 1)
        if template.thing.kind in ("Deployment", "StatefulSet") and isinstance(replicas, int):
            for resource, count in template.accelerators.items():
                found[resource][template.thing.name] = count * replicas
    return found
