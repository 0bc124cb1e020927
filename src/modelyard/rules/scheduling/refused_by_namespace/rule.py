"""Pods that the limits of their namespace refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Container, Environment, Manifest, PodTemplate, mapping, numbered, quantity, text

# What each container has to state where a quota counts it: `validationSet` and `Constraints` in
# pkg/quota/v1/evaluator/core/pods.go of Kubernetes 1.35. Disk and devices need not be stated.
_STATED = {f"{side}.{name}": (side, name) for side in ("limits", "requests") for name in ("cpu", "memory")} | {
    name: ("requests", name) for name in ("cpu", "memory")
}
_LASTING = ("Deployment", "StatefulSet", "LeaderWorkerSet", "ReplicaSet")
# https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-on-object-count
_COUNTED = {
    "count/deployments.apps": "Deployment",
    "count/statefulsets.apps": "StatefulSet",
    "count/services": "Service",
    "services": "Service",
    "count/configmaps": "ConfigMap",
    "configmaps": "ConfigMap",
    "count/persistentvolumeclaims": "PersistentVolumeClaim",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "count/cronjobs.batch": "CronJob",
}
_BOUNDS = {"min": "requests", "max": "limits"}
_MOST_NAMED = 3


@rule("scheduling/refused-by-namespace", error, since="0.3.0")
def refused_by_namespace(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A namespace whose quota or LimitRange does not admit a pod refuses it, and its controller makes none."""
    ranges = _by_namespace(environment, "LimitRange")
    quotas = _by_namespace(environment, "ResourceQuota")
    for namespace, templates in environment.pods_by_namespace.items():
        own = [each for each in templates if environment.is_ours(each.manifest)]
        limits = ranges.get(namespace, [])
        for manifest in limits:
            yield from _beyond(manifest, own, limits)
        for manifest in quotas.get(namespace, []):
            yield from _unstated(manifest, own, limits)
            yield from _exhausted(environment, manifest, own, limits)


def _by_namespace(environment: Environment, kind: str) -> dict[str, list[Manifest]]:
    found: dict[str, list[Manifest]] = {}
    for manifest in environment.of_kind(kind, ""):
        found.setdefault(environment.namespace_of(manifest), []).append(manifest)
    return found


def _beyond(manifest: Manifest, templates: list[PodTemplate], ranges: list[Manifest]) -> Iterator[Finding]:
    """Yield bounds of a LimitRange that containers exceed; a bound of limits refuses a container without one, too."""
    for index, limit in numbered(manifest.value, "spec", "limits"):
        if text(limit, "type") != "Container":
            continue
        for bound, side in _BOUNDS.items():
            for name, written in mapping(limit, bound).items():
                edge = quantity(written)
                if edge is None:
                    continue
                said: list[str] = []
                for template in templates:
                    for container in template.containers:
                        stated = _amount(container, side, str(name), ranges)
                        amount = quantity(stated)
                        if stated is None:
                            said.append(f"{container} states none")
                        elif amount is None:
                            continue
                        elif amount > edge if bound == "max" else amount < edge:
                            said.append(f"{container} has {stated}")
                if said:
                    yield Finding(
                        at=manifest.at(("spec", "limits", index, bound, name)),
                        message=f"{manifest} allows {'at most' if bound == 'max' else 'at least'} {written} of "
                        f"{side}.{name}, and {_told(said)}",
                        fix=f"change {bound} of {name}, or {side} of the container",
                    )


def _unstated(manifest: Manifest, templates: list[PodTemplate], ranges: list[Manifest]) -> Iterator[Finding]:
    if manifest.has("spec.scopes") or manifest.has("spec.scopeSelector"):
        return  # which pods it counts is not looked at
    for name in manifest.mapping("spec.hard"):
        side, resource = _STATED.get(str(name), ("", ""))
        if not side:
            continue
        said = [
            str(container)
            for template in templates
            if not mapping(template.spec, "resources")
            for container in template.containers
            if _amount(container, side, resource, ranges) is None
        ]
        if said:
            yield Finding(
                at=manifest.at(("spec", "hard", name)),
                message=f"{manifest} counts {name}, and refuses pods whose containers state none: {_told(said)}",
                fix=f"state {side}.{resource} in each container, give it a default in a LimitRange, or remove {name}",
            )


def _exhausted(
    environment: Environment, manifest: Manifest, templates: list[PodTemplate], ranges: list[Manifest]
) -> Iterator[Finding]:
    """Yield what a quota allows less of than the environment's own workloads ask for with one replica each."""
    if manifest.has("spec.scopes") or manifest.has("spec.scopeSelector"):
        return
    lasting = [each for each in templates if each.manifest.kind in _LASTING]
    for name, written in manifest.mapping("spec.hard").items():
        most = quantity(written)
        side, resource = _STATED.get(str(name), ("", ""))
        kind = _COUNTED.get(str(name), "")
        if most is None:
            continue
        asked = [(str(each.manifest), _sum(each, side, resource, ranges)) for each in lasting] if side else []
        if kind:
            namespace = environment.namespace_of(manifest)
            asked = [
                (str(each), quantity(1))
                for group in ("apps", "batch", "")
                for each in environment.of_kind(kind, group)
                if environment.namespace_of(each) == namespace
            ]
        known = [(who, amount) for who, amount in asked if amount]
        if sum(amount for _, amount in known if amount is not None) > most:
            said = _told([who for who, _ in known])
            yield Finding(
                at=manifest.at(("spec", "hard", name)),
                message=f"{manifest} allows {written} of {name}, and with one replica each {said} ask for more: "
                "the API server refuses the rest",
                fix=f"raise {name} of {manifest}, or take workloads out of the namespace",
            )


def _sum(template: PodTemplate, side: str, name: str, ranges: list[Manifest]) -> Any:
    amounts = [quantity(_amount(each, side, name, ranges)) for each in template.containers]
    return sum(each for each in amounts if each is not None)


def _amount(container: Container, side: str, name: str, ranges: list[Manifest]) -> Any:
    """Return what a container has of a resource once defaults are filled in; None where it has nothing."""
    resources = mapping(container.value, "resources")
    limit = mapping(resources, "limits").get(name)
    own = mapping(resources, side).get(name)
    if own is not None:
        return own
    if side == "requests" and limit is not None:
        return limit  # the API server copies it
    for manifest in ranges:
        for _, each in numbered(manifest.value, "spec", "limits"):
            if text(each, "type") != "Container":
                continue
            fields = ("default", "max") if side == "limits" else ("defaultRequest", "default", "max", "min")
            for field in fields:  # `SetDefaults_LimitRangeItem`: a default follows from max, a request from the default
                if name in mapping(each, field):
                    return mapping(each, field)[name]
    return None


def _told(said: list[str]) -> str:
    first = list(dict.fromkeys(said))
    more = f" and {len(first) - _MOST_NAMED} more" if len(first) > _MOST_NAMED else ""
    return both(first[:_MOST_NAMED]) + more if not more else ", ".join(first[:_MOST_NAMED]) + more
