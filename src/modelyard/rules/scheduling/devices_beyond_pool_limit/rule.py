"""Pods for which a node pool may start no node, because of the devices that its nodes would have."""

from collections.abc import Iterator

from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.placement import Shortfall, written
from modelyard.rules import rule
from modelyard.rules.shortfalls import pods_of, told_shortfalls
from modelyard.view import Environment

_SCALERS = {"ScaledObject": "maxReplicaCount", "HorizontalPodAutoscaler": "maxReplicas"}


@rule("scheduling/devices-beyond-pool-limit", error, since="0.1.0")
def devices_beyond_pool_limit(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Karpenter starts no node beyond its pool's device limit, and the remaining pods stay Pending."""
    for told in told_shortfalls(environment):
        if isinstance(told, str):
            yield NotChecked("limits of node pools", told)
            continue
        found = told.shortfall
        if "/" not in found.resource:
            continue
        limit, needed = (written(found.resource, value) for value in (found.limit, found.needed))
        yield Finding(
            at=_maximum(environment, found) or _address(environment, found),
            message=f"node pool {found.pool} is limited to {limit}, but {told.when}its pods need nodes with {needed} "
            f"in total: {pods_of(found.remainders)} {'do' if _many(found) else 'does'} not fit beside the others"
            + (" in the order of the workloads" if found.by_order else ""),
            fix=f"raise the limit to at least {found.needed // 1000}, or run fewer replicas",
            severity=told.severity,
        )


def _many(found: Shortfall) -> bool:
    return len(found.remainders) > 1 or found.remainders[0].pods > 1


def _maximum(environment: Environment, found: Shortfall) -> Address | None:
    """Return the maximum of a scaler whose pods alone are more than the pool may have; None where none is."""
    for each in found.remainders:
        demand = each.demand
        asked = demand.most * each.placement.shape.requests.get(found.resource, 0)
        if asked <= found.limit or demand.least == demand.most:
            continue
        namespace = environment.namespace_of(demand.workload.manifest)
        for kind, field in _SCALERS.items():
            for manifest in environment.of_kind(kind):
                target = manifest.get("spec.scaleTargetRef.name")
                if target == demand.workload.name and environment.namespace_of(manifest) == namespace:
                    return manifest.at(("spec", field))
    return None


def _address(environment: Environment, found: Shortfall) -> Address:
    pool = next(each for each in environment.pools if each.name == found.pool)
    return pool.manifest.at(("spec", "limits", found.resource))
