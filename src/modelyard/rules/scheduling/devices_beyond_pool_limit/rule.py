"""Replicas for which a node pool may start no node."""

from collections import defaultdict
from collections.abc import Iterator

from modelyard.catalog import instance_type
from modelyard.cluster import (
    Environment,
    PodTemplate,
    Pool,
    Workload,
    mapping,
    numbered,
    quantity,
    selected_pools,
    selects,
    text,
)
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both, plural
from modelyard.sizing import fits


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
    yield from _apart(environment)
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


def _apart(environment: Environment) -> Iterator[Finding]:
    """Yield replicas that must each have a node, with all of its devices, beyond what the pool may hold."""
    for fit in fits(environment):
        model = fit.model
        replicas = model.workload.thing.get("spec.replicas", 1)
        pool = _only_pool(model.workload, environment.pools)
        kinds = [instance_type(name) for each in fit.devices for name in each.landing.instance_types]
        counts = [kind.accelerator.count for kind in kinds if kind is not None and kind.accelerator is not None]
        if pool is None or not counts or not isinstance(replicas, int) or not _each_alone(model.template):
            continue
        for resource in model.template.accelerators:
            limit, needed = quantity(pool.limits.get(resource)), replicas * min(counts)
            if limit is not None and needed > limit >= replicas * model.template.accelerators[resource]:
                yield Finding(
                    at=model.workload.thing.at("spec.replicas"),
                    message=f"{plural(replicas, 'replica')} of {model.name} must each have a node of their own with "
                    f"{plural(min(counts), 'device')}, {needed} {resource} in all; "
                    f"node pool {pool.name} may hold {limit}",
                    fix=f"serve {int(limit) // min(counts)} replicas, or prefer separate nodes",
                )


def _each_alone(template: PodTemplate) -> bool:
    affinity = mapping(template.spec, "affinity", "podAntiAffinity")
    return any(
        text(term, "topologyKey") == "kubernetes.io/hostname"
        and selects(mapping(term, "labelSelector"), template.labels)
        for _, term in numbered(affinity, "requiredDuringSchedulingIgnoredDuringExecution")
    )
