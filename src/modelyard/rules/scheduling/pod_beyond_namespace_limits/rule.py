"""Pods that a LimitRange or a ResourceQuota of their namespace refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, Workload, entries, mapping, quantity

_COUNTED = ("cpu", "memory", "ephemeral-storage")


@rule("scheduling/pod-beyond-namespace-limits", error, since="0.3.0")
def pod_beyond_namespace_limits(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The API server refuses each pod beyond the namespace's limits, or without a request that a quota counts."""
    ranges = list(environment.of_kind("LimitRange", ""))
    for manifest in ranges:
        yield from _of_range(environment, manifest)
    for manifest in environment.of_kind("ResourceQuota", ""):
        if manifest.has("spec.scopes") or manifest.has("spec.scopeSelector"):
            continue
        yield from _of_quota(environment, manifest, ranges)


def _pods(environment: Environment, namespace: str) -> Iterator[tuple[Workload, dict[str, Any]]]:
    """Yield the containers of a namespace's pods."""
    for workload in environment.workloads:
        if environment.namespace_of(workload.manifest) == namespace:
            for template in workload.templates:
                for container in template.containers:
                    yield workload, container.value


def _of_range(environment: Environment, manifest: Manifest) -> Iterator[Finding]:
    for index, entry in enumerate(entries(manifest.value, "spec", "limits")):
        if entry.get("type") != "Container":
            continue
        for resource in _COUNTED:
            most = quantity(mapping(entry, "max").get(resource))
            for workload, container in (
                _pods(environment, environment.namespace_of(manifest)) if most is not None else ()
            ):
                limit = mapping(container, "resources", "limits").get(resource)
                asked = mapping(container, "resources", "requests").get(resource)
                over = next((each for each in (limit, asked) if (quantity(each) or 0) > (most or 0)), None)
                if over is not None:
                    yield Finding(
                        at=manifest.at(("spec", "limits", index, "max", resource)),
                        message=f"{manifest} allows a container {mapping(entry, 'max').get(resource)} of {resource}, "
                        f"and {workload} asks for {over}",
                        fix="raise the maximum, or lower what the container asks for",
                    )
                    break


def _of_quota(environment: Environment, manifest: Manifest, ranges: list[Manifest]) -> Iterator[Finding]:
    namespace = environment.namespace_of(manifest)
    given = [
        entry
        for each in ranges
        if environment.namespace_of(each) == namespace
        for entry in entries(each.value, "spec", "limits")
        if entry.get("type") == "Container"
    ]
    for name in manifest.mapping("spec.hard"):
        kind, _, resource = str(name).rpartition(".")
        kind = kind or "requests"
        if resource not in _COUNTED or kind not in ("requests", "limits"):
            continue
        defaults = ("default",) if kind == "limits" else ("defaultRequest", "default")
        if any(resource in mapping(entry, each) for entry in given for each in defaults):
            continue
        for workload, container in _pods(environment, namespace):
            resources = mapping(container, "resources")
            said = resource in mapping(resources, kind) or (
                kind == "requests" and resource in mapping(resources, "limits")
            )
            if not said:
                yield Finding(
                    at=manifest.at(("spec", "hard", name), key=True),
                    message=f"{manifest} counts {name}, and a container of {workload} has no {kind} of {resource}, so "
                    "the API server refuses its pods",
                    fix=f"give a default by a LimitRange, set {kind}.{resource} in each container, or remove {name}",
                )
                break
