"""Objects, and memory and processors of pods, that a namespace's quota refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from modelyard.findings import Finding, NotChecked, Severity, error, warning
from modelyard.placement import Demand, demands
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Container, Environment, Manifest, mapping, quantity, text

_SCALES: tuple[tuple[Severity, str, Callable[[Demand], int]], ...] = (
    (error, "", lambda demand: demand.least),
    (warning, " at full scale", lambda demand: demand.most),
)
# Resources of pods, by their names in a quota: the field and the name of a container's resources.
_OF_PODS = {
    "cpu": ("requests", "cpu"),
    "memory": ("requests", "memory"),
    "ephemeral-storage": ("requests", "ephemeral-storage"),
} | {
    f"{field}.{name}": (field, name)
    for field in ("requests", "limits")
    for name in ("cpu", "memory", "ephemeral-storage")
}
# Kinds that a quota counts by a name of its own.
_CORE = {
    "configmaps": "ConfigMap",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "secrets": "Secret",
    "services": "Service",
}
_COUNTED = {
    "count/cronjobs.batch": ("batch", "CronJob"),
    "count/deployments.apps": ("apps", "Deployment"),
    "count/jobs.batch": ("batch", "Job"),
    "count/statefulsets.apps": ("apps", "StatefulSet"),
} | {f"count/{name}": ("", kind) for name, kind in _CORE.items()}


@rule("scheduling/objects-beyond-quota", error, since="0.3.0")
def objects_beyond_quota(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The API server refuses what a ResourceQuota leaves no room for: the sync fails, or pods are not made."""
    counted = demands(environment)
    for manifest in environment.of_kind("ResourceQuota", ""):
        if manifest.has("spec.scopes") or manifest.has("spec.scopeSelector"):
            continue  # scheduling/devices-beyond-quota says that they are not evaluated
        namespace = environment.namespace_of(manifest)
        own = [each for each in counted if environment.namespace_of(each.workload.manifest) == namespace]
        for name, written in manifest.mapping("spec.hard").items():
            limit = quantity(written)
            if limit is None:
                continue
            if name in _OF_PODS or name in ("pods", "count/pods"):
                yield from _of_pods(manifest, str(name), str(written), Decimal(limit), own)
            else:
                yield from _of_objects(environment, manifest, str(name), int(limit), namespace)


def _of_pods(manifest: Manifest, name: str, written: str, limit: Decimal, own: list[Demand]) -> Iterator[Finding]:
    """Yield the first scale at which pods ask for more than a quota has."""
    for severity, when, count in _SCALES:
        asked = [(each, count(each) * _asked(each, name)) for each in own]
        total = sum((amount for _, amount in asked), Decimal(0))
        if total > limit:
            largest = [str(each.workload) for each, _ in sorted(asked, key=lambda pair: -pair[1])][:3]
            yield Finding(
                at=manifest.at(("spec", "hard", name)),
                message=f"{manifest} allows {written} for {name}, but its pods ask for {_told(name, total)}{when}, "
                f"most of it {both(dict.fromkeys(largest))}",
                fix=f"raise it to at least {_told(name, total)}, or run fewer replicas",
                severity=severity,
            )
            return


def _asked(demand: Demand, name: str) -> Decimal:
    """Return what one pod counts for; of what no container says, nothing, although a LimitRange may add to it."""
    if name not in _OF_PODS:
        return Decimal(1)
    field, resource = _OF_PODS[name]
    total = Decimal(0)
    for container in demand.template.containers:
        if not container.init or container.sidecar:
            total += Decimal(_amount(container, field, resource))
    return total


def _amount(container: Container, field: str, resource: str) -> Decimal:
    for each in (field, "limits"):
        amount = quantity(mapping(container.value, "resources", each).get(resource))
        if amount is not None:
            return Decimal(amount)
    return Decimal(0)


def _told(name: str, total: Decimal) -> str:
    if name.endswith(("memory", "storage")):
        return f"{total / 1024**3:.0f}Gi" if total >= 1024**3 else f"{total / 1024**2:.0f}Mi"
    return f"{total.normalize():f}"


def _of_objects(
    environment: Environment, manifest: Manifest, name: str, limit: int, namespace: str
) -> Iterator[Finding]:
    here = [each for each in environment.resources if environment.namespace_of(each) == namespace]
    if name == "services.loadbalancers":
        found = [each for each in here if each.kind == "Service" and text(each.value, "spec", "type") == "LoadBalancer"]
    elif name == "services.nodeports":
        found = [each for each in here if each.kind == "Service" for _ in range(_node_ports(each))]
    elif name in _COUNTED or name in _CORE:
        group, kind = _COUNTED.get(name) or ("", _CORE[name])
        found = [each for each in here if (each.group, each.kind) == (group, kind)]
    else:
        return
    if len(found) > limit:
        named = sorted({str(each) for each in found})
        yield Finding(
            at=manifest.at(("spec", "hard", name)) if limit or len(named) > 1 else found[0].at("metadata.name"),
            message=f"{manifest} allows {limit} for {name}, but namespace {namespace} has {len(found)}: "
            f"{both(named[:4])}",
            fix=f"raise it to at least {len(found)}, or remove what is not needed",
        )


def _node_ports(service: Manifest) -> int:
    """Return the ports of nodes that a Service takes, as the quota counts them."""
    kind = text(service.value, "spec", "type")
    if kind == "LoadBalancer" and service.get("spec.allocateLoadBalancerNodePorts") is False:
        return 0
    return len(service.entries("spec.ports")) if kind in ("LoadBalancer", "NodePort") else 0
