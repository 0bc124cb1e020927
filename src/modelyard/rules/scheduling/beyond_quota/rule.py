"""Pods and claims that a namespace's quota has no room for."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import Demand, demands
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Environment, Manifest, PodTemplate, quantity

_OF_PODS = {
    "cpu": ("cpu", "requests"),
    "memory": ("memory", "requests"),
    "ephemeral-storage": ("ephemeral-storage", "requests"),
    **{f"{field}.{name}": (name, field) for field in ("requests", "limits") for name in ("cpu", "memory")},
    "requests.ephemeral-storage": ("ephemeral-storage", "requests"),
}
_COUNTS_OF_PODS = ("pods", "count/pods")
_CLAIMS = ("persistentvolumeclaims", "count/persistentvolumeclaims")


@rule("scheduling/beyond-quota", error, since="0.9.0")
def beyond_quota(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The API server makes no pod and no claim beyond the ResourceQuota of their namespace."""
    for manifest in environment.of_kind("ResourceQuota", ""):
        if manifest.has("spec.scopes") or manifest.has("spec.scopeSelector"):
            continue  # scheduling/devices-beyond-quota says that they are not evaluated
        namespace = environment.namespace_of(manifest)
        own = [each for each in demands(environment) if environment.namespace_of(each.workload.manifest) == namespace]
        claims = [
            each for each in environment.of_kind("PersistentVolumeClaim") if environment.namespace_of(each) == namespace
        ]
        for name, given in manifest.mapping("spec.hard").items():
            limit = quantity(given)
            if limit is None:
                continue
            if name in _CLAIMS and len(claims) > limit:
                yield _finding(manifest, name, given, f"{len(claims)} claims are there", str(len(claims)))
            asked = {
                f"{each.workload.name} {number}": Fraction(each.least) * _each(each, name)
                for number, each in enumerate(own)
            }
            total = sum(asked.values(), Fraction())
            if total > limit:
                names = sorted({key.partition(" ")[0] for key, amount in asked.items() if amount})
                told = (
                    f"{float(total):g}"
                    if name in ("cpu", "requests.cpu", "limits.cpu", *_COUNTS_OF_PODS)
                    else _gib(total)
                )
                what = "pods" if name in _COUNTS_OF_PODS else name
                yield _finding(
                    manifest,
                    name,
                    given,
                    f"{both(names)} {'ask' if len(names) > 1 else 'asks'} for {told} {what}",
                    told,
                )


def _each(demand: Demand, name: str) -> Fraction:
    """Return what one pod counts against a quota at least: defaults of a LimitRange are not looked at."""
    if name in _COUNTS_OF_PODS:
        return Fraction(1)
    if name not in _OF_PODS:
        return Fraction()
    resource, field = _OF_PODS[name]
    return _of_template(demand.template, resource, field)


def _of_template(template: PodTemplate, resource: str, field: str) -> Fraction:
    total = Fraction()
    for container in template.containers:
        if container.init and not container.sidecar:
            continue
        resources = container.value.get("resources")
        limits = resources.get("limits") if isinstance(resources, dict) else None
        amount = (
            container.requested(resource)
            if field == "requests"
            else limits.get(resource)
            if isinstance(limits, dict)
            else None
        )
        total += Fraction(quantity(amount) or 0)
    return total


def _gib(amount: Fraction) -> str:
    return f"{-(-amount // 2**30)}Gi"


def _finding(manifest: Manifest, name: str, given: object, who: str, enough: str) -> Finding:
    return Finding(
        at=manifest.at(("spec", "hard", name)),
        message=f"{manifest} allows {given} for {name}, but {who}: the API server does not make the rest",
        fix=f"raise it to at least {enough}, or run less",
    )
