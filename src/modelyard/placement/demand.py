"""How many pods a workload makes: at least, at most, and beside those while it rolls."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.repository import derived
from modelyard.view import Environment, Manifest, PodTemplate, Workload, mapping

_SCALED_AT_MOST = 100
"""KEDA's default for `maxReplicaCount`."""


@dataclass(frozen=True, eq=False)
class Demand:
    """The pods of one pod template.

    Attributes:
        workload: The workload.
        template: The pod template.
        least: Pods when nothing is asked of them.
        most: Pods at full scale.
        surge: Pods beside those of full scale while a rollout goes on.
        surge_at_least: Pods beside the least while a rollout goes on.
        waits_for_surge: Whether the rollout stands still until the first of them is ready.
        unit: What serves only as a whole: `group` of a LeaderWorkerSet, `cluster` of Ray; empty for pods that serve
            alone.
        per_unit: Pods of this template that one such unit needs.
    """

    workload: Workload
    template: PodTemplate
    least: int
    most: int
    surge: int = 0
    surge_at_least: int = 0
    waits_for_surge: bool = False
    unit: str = ""
    per_unit: int = 0


def is_run(demand: Demand) -> bool:
    """Return whether pods come and go by themselves: those of Jobs and of CronJobs."""
    return demand.workload.kind in ("Job", "CronJob")


@derived
def demands(environment: Environment) -> tuple[Demand, ...]:
    """Return the pods of every workload that stands on nodes of its own accord; DaemonSets follow the nodes."""
    scaled = {key: bounds for manifest in environment.resources for key, bounds in _scaling(environment, manifest)}
    found: list[Demand] = []
    for workload in environment.workloads:
        name = (environment.namespace_of(workload.manifest), workload.kind, workload.name)
        found.extend(_demands(workload, scaled.get(name)))
    return tuple(found)


@derived
def demand_by_template(environment: Environment) -> Mapping[PodTemplate, Demand]:
    """Return the demand of each pod template."""
    return {each.template: each for each in demands(environment)}


def _scaling(environment: Environment, manifest: Manifest) -> Iterator[tuple[tuple[str, str, str], tuple[int, int]]]:
    namespace = environment.namespace_of(manifest)
    target = manifest.mapping("spec.scaleTargetRef")
    key = (namespace, str(target.get("kind") or "Deployment"), str(target.get("name") or ""))
    if (manifest.group, manifest.kind) == ("autoscaling", "HorizontalPodAutoscaler"):
        yield key, (_count(manifest.get("spec.minReplicas"), 1), _count(manifest.get("spec.maxReplicas"), 1))
    elif (manifest.group, manifest.kind) == ("keda.sh", "ScaledObject"):
        least = _count(manifest.get("spec.minReplicaCount"), 0)
        yield key, (least, max(least, _count(manifest.get("spec.maxReplicaCount"), _SCALED_AT_MOST)))


def _demands(workload: Workload, scaled: tuple[int, int] | None) -> Iterator[Demand]:
    manifest, templates = workload.manifest, workload.templates
    replicas = _count(manifest.get("spec.replicas"), 1)
    least, most = scaled or (replicas, replicas)
    if workload.kind == "Deployment":
        for template in templates:
            strategy = manifest.mapping("spec.strategy")
            rolling = strategy.get("type") != "Recreate"
            amounts = mapping(strategy.get("rollingUpdate"))
            surge, down = amounts.get("maxSurge", "25%"), amounts.get("maxUnavailable", "25%")
            yield Demand(
                workload,
                template,
                least,
                most,
                _share(surge, most, up=True) if rolling else 0,
                _share(surge, least, up=True) if rolling else 0,
                rolling and _share(down, least, up=False) == 0,
            )
    elif workload.kind in ("StatefulSet", "ReplicaSet"):
        yield from (Demand(workload, template, least, most) for template in templates)
    elif workload.kind == "Pod":
        yield from (Demand(workload, template, 1, 1) for template in templates)
    elif workload.kind == "Job":
        count = _count(manifest.get("spec.parallelism"), 1)
        yield from (Demand(workload, template, 0, count) for template in templates)
    elif workload.kind == "CronJob":
        count = _count(manifest.get("spec.jobTemplate.spec.parallelism"), 1)
        yield from (Demand(workload, template, 0, count) for template in templates)
    elif workload.kind == "LeaderWorkerSet":
        yield from _groups(workload, least, most)
    elif workload.kind in ("RayCluster", "RayService"):
        yield from _ray(workload)


def _groups(workload: Workload, least: int, most: int) -> Iterator[Demand]:
    """Yield leaders and workers; without a template of its own the leader is one of the workers."""
    size = max(_count(workload.manifest.get("spec.leaderWorkerTemplate.size"), 1), 1)
    rolling = workload.manifest.mapping("spec.rolloutStrategy.rollingUpdateConfiguration")
    surge, down = rolling.get("maxSurge", 0), rolling.get("maxUnavailable", 1)
    leads = any(template.path[-1] == "leaderTemplate" for template in workload.templates)
    for template in workload.templates:
        pods = 1 if template.path[-1] == "leaderTemplate" else size - 1 if leads else size
        extra, few = _share(surge, most, up=True), _share(surge, least, up=True)
        waits = few > 0 and _share(down, least, up=False) == 0
        yield Demand(workload, template, least * pods, most * pods, extra * pods, few * pods, waits, "group", pods)


def _ray(workload: Workload) -> Iterator[Demand]:
    """Yield heads and workers; a RayService makes a second cluster before it gives up the first."""
    doubles = workload.kind == "RayService"
    for template in workload.templates:
        if "headGroupSpec" in template.path:
            least = most = 1
        else:
            group = workload.manifest.mapping(template.path[:-1])
            hosts = max(_count(group.get("numOfHosts"), 1), 1)
            replicas = _count(group.get("replicas"), 0)
            least = _count(group.get("minReplicas"), replicas) * hosts
            most = max(_count(group.get("maxReplicas"), replicas) * hosts, least)
        surge = (most, least) if doubles else (0, 0)
        yield Demand(workload, template, least, most, *surge, doubles, "cluster", least)


def _share(value: Any, of: int, *, up: bool) -> int:
    """Return an amount that is a number or a percentage; a surge is rounded up, what may be missing is rounded down."""
    if isinstance(value, str) and value.endswith("%") and value[:-1].isdigit():
        part = of * int(value[:-1]) / 100
        return math.ceil(part) if up else math.floor(part)
    return _count(value, 0)


def _count(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default
