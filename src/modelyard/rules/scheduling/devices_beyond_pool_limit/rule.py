"""Replicas for which a node pool may start no node."""

from collections import defaultdict
from collections.abc import Iterator

from modelyard.cluster import Environment, Pool, Workload, quantity, selected_pools
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both, plural


@rule("scheduling/devices-beyond-pool-limit", error, since="0.1.0")
def devices_beyond_pool_limit(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Replicas that ask for more devices than the limit of their only pool stay Pending."""
    asked: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    pools = {pool.name: pool for pool in environment.pools}
    for workload in environment.workloads:
        pool = _only_pool(workload, environment.pools)
        for resource, devices in _devices(workload).items() if pool else ():
            if pool is not None:
                asked[pool.name, resource][workload.name] = devices
    for (name, resource), workloads in asked.items():
        limit = quantity(pools[name].limits.get(resource))
        total = sum(workloads.values())
        if limit is not None and total > limit:
            yield Finding(
                at=pools[name].thing.at(("spec", "limits", resource)),
                message=f"node pool {name} may hold {limit} {resource}, and {both(sorted(workloads))} "
                f"{'ask' if len(workloads) > 1 else 'asks'} for {total}",
                fix=f"raise the limit to at least {total}, or serve {plural(total - int(limit), 'device')} less",
            )


def _only_pool(workload: Workload, pools: tuple[Pool, ...]) -> Pool | None:
    found = {pool.name: pool for template in workload.templates for pool in selected_pools(template, pools)}
    return next(iter(found.values())) if len(found) == 1 else None


def _devices(workload: Workload) -> dict[str, int]:
    if workload.kind not in ("Deployment", "StatefulSet") or len(workload.templates) != 1:
        return {}
    replicas = workload.thing.get("spec.replicas", 1)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        return {}
    return {resource: count * replicas for resource, count in workload.templates[0].accelerators.items()}
