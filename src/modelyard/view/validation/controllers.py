"""What makes and scales pods: pkg/apis/{apps,batch,autoscaling,policy}/validation/validation.go of Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.rendering import Path
from modelyard.view.shapes import listed, mapping, numbered, text
from modelyard.view.validation.checks import Check, Refused, choice_of, matched_labels, needed, one_of, range_of, whole

_PERCENT = re.compile(r"(\d+)%")
_WHOLE_PERCENT = 100
_LONGEST_CRON_NAME = 52
_DEFAULT_PROGRESS_SECONDS = 600
_LONGEST_WINDOW_SECONDS = 3600
_LONGEST_PERIOD_SECONDS = 1800
_METRIC_SOURCES = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}
_SCHEDULE = re.compile(r"@(?:yearly|annually|monthly|weekly|daily|midnight|hourly)|@every \S+|\S+(?:\s+\S+){4}")


def _pods_of_controller(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    labels = mapping(spec, "template", "metadata", "labels")
    yield from matched_labels(spec.get("selector"), labels, ("spec", "selector"))
    policy = mapping(spec, "template", "spec").get("restartPolicy")
    if policy not in (None, "Always"):
        yield Refused(("spec", "template", "spec", "restartPolicy"), f"restartPolicy is {policy}, Always is expected")
    for field in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
        yield from range_of(spec, ("spec",), field, 0)


def _deployment(value: dict[str, Any]) -> Iterator[Refused]:
    yield from _pods_of_controller(value)
    spec = mapping(value, "spec")
    ready = whole(spec.get("minReadySeconds")) or 0
    progress = whole(spec.get("progressDeadlineSeconds"))
    if (_DEFAULT_PROGRESS_SECONDS if progress is None else progress) <= ready:
        yield Refused(
            ("spec", "progressDeadlineSeconds"),
            f"progressDeadlineSeconds is {_DEFAULT_PROGRESS_SECONDS if progress is None else progress}, more than "
            f"minReadySeconds ({ready}) is expected",
        )
    strategy = mapping(spec, "strategy")
    here = ("spec", "strategy", "rollingUpdate")
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") == "Recreate" and isinstance(rolling, dict):
        yield Refused(here, "strategy Recreate has rollingUpdate", "remove rollingUpdate")
    elif isinstance(rolling, dict):
        yield from _rolling(rolling, here)
        if _amount(rolling.get("maxUnavailable")) == 0 and _amount(rolling.get("maxSurge", "25%")) == 0:
            yield Refused((*here, "maxUnavailable"), "maxUnavailable and maxSurge are both 0")


def _rolling(rolling: dict[str, Any], at: Path) -> Iterator[Refused]:
    for field in ("maxUnavailable", "maxSurge"):
        value = rolling.get(field)
        amount = _amount(value)
        if isinstance(value, str) and amount is None:
            yield Refused((*at, field), f"{field} is {value}, a number or a percentage is expected")
        elif amount is not None and amount < 0:
            yield Refused((*at, field), f"{field} is {value}, 0 or more is expected")
        elif field == "maxUnavailable" and isinstance(value, str) and (amount or 0) > _WHOLE_PERCENT:
            yield Refused((*at, field), f"{field} is {value}, at most 100% is expected")


def _amount(value: Any) -> int | None:
    """Return a number of pods or of per cent; None for what is neither."""
    if isinstance(value, str):
        found = _PERCENT.fullmatch(value)
        return int(found[1]) if found else None
    return whole(value)


def _daemon_set(value: dict[str, Any]) -> Iterator[Refused]:
    yield from _pods_of_controller(value)
    here = ("spec", "updateStrategy", "rollingUpdate")
    rolling = mapping(value, *here)
    yield from _rolling(rolling, here)
    unavailable = _amount(rolling.get("maxUnavailable", 1 if not _amount(rolling.get("maxSurge")) else 0))
    surge = _amount(rolling.get("maxSurge", 0))
    if rolling and unavailable == 0 and surge == 0:
        yield Refused((*here, "maxUnavailable"), "maxUnavailable and maxSurge are both 0")
    elif rolling.get("maxUnavailable") is not None and unavailable and surge:
        yield Refused((*here, "maxSurge"), "maxSurge and maxUnavailable are both set", "set one of them to 0")


def _stateful_set(value: dict[str, Any]) -> Iterator[Refused]:
    yield from _pods_of_controller(value)
    yield from choice_of(mapping(value, "spec"), ("spec",), "podManagementPolicy", ("OrderedReady", "Parallel"))


def _job_spec(spec: dict[str, Any], at: Path) -> Iterator[Refused]:
    for field in ("parallelism", "completions", "backoffLimit", "ttlSecondsAfterFinished", "activeDeadlineSeconds"):
        yield from range_of(spec, at, field, 0)
    policy = mapping(spec, "template", "spec").get("restartPolicy")
    if policy not in ("OnFailure", "Never"):
        told = policy or "Always, the default"
        yield Refused(
            (*at, "template", "spec", "restartPolicy"), f"restartPolicy is {told}, OnFailure or Never is expected"
        )
    indexed = spec.get("completionMode") == "Indexed"
    if indexed and spec.get("completions") is None:
        yield Refused((*at, "completionMode"), "completionMode is Indexed, and completions is missing")
    for field in ("backoffLimitPerIndex", "maxFailedIndexes"):
        yield from range_of(spec, at, field, 0)
        if spec.get(field) is not None and not indexed:
            yield Refused((*at, field), f"{field} is set, and completionMode is not Indexed")


def _job(value: dict[str, Any]) -> Iterator[Refused]:
    yield from _job_spec(mapping(value, "spec"), ("spec",))


def _cron_job(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    yield from _job_spec(mapping(spec, "jobTemplate", "spec"), ("spec", "jobTemplate", "spec"))
    name = text(value, "metadata", "name")
    if len(name) > _LONGEST_CRON_NAME:
        yield Refused(
            ("metadata", "name"), f"the name has {len(name)} letters, at most {_LONGEST_CRON_NAME} are allowed"
        )
    schedule = text(spec, "schedule")
    if not _SCHEDULE.fullmatch(schedule):
        yield Refused(("spec", "schedule"), f"schedule is {schedule or 'empty'}, five fields are expected")
    for field in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit", "startingDeadlineSeconds"):
        yield from range_of(spec, ("spec",), field, 0)


def _disruption_budget(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        yield Refused(("spec", "maxUnavailable"), "it has both minAvailable and maxUnavailable", "keep one of them")
    for field in ("minAvailable", "maxUnavailable"):
        if isinstance(spec.get(field), str) and _amount(spec[field]) is None:
            yield Refused(("spec", field), f"{field} is {spec[field]}, a number or a percentage is expected")


def _autoscaler(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    yield from range_of(spec, ("spec",), "maxReplicas", 1)
    yield from range_of(spec, ("spec",), "minReplicas", 0)
    least, most = whole(spec.get("minReplicas")), whole(spec.get("maxReplicas"))
    if least is not None and most is not None and least > most:
        yield Refused(("spec", "maxReplicas"), f"maxReplicas is {most}, minReplicas ({least}) or more is expected")
    yield from needed(mapping(spec, "scaleTargetRef"), ("spec", "scaleTargetRef"), "kind", "name")
    for index, metric in numbered(spec, "metrics"):
        here: Path = ("spec", "metrics", index)
        kind = text(metric, "type")
        yield from choice_of(metric, here, "type", _METRIC_SOURCES)
        wanted = _METRIC_SOURCES.get(kind)
        if wanted is not None and not isinstance(metric.get(wanted), dict):
            yield Refused((*here, "type"), f"a metric of type {kind} has no {wanted}")
    yield from _behavior(mapping(spec, "behavior"), ("spec", "behavior"))


def _behavior(behavior: dict[str, Any], at: Path) -> Iterator[Refused]:
    for direction in ("scaleUp", "scaleDown"):
        here = (*at, direction)
        rules = mapping(behavior, direction)
        yield from range_of(rules, here, "stabilizationWindowSeconds", 0, _LONGEST_WINDOW_SECONDS)
        for index, policy in numbered(rules, "policies"):
            yield from choice_of(policy, (*here, "policies", index), "type", ("Pods", "Percent"))
            yield from range_of(policy, (*here, "policies", index), "value", 1)
            yield from range_of(policy, (*here, "policies", index), "periodSeconds", 1, _LONGEST_PERIOD_SECONDS)


def _scaled_object(value: dict[str, Any]) -> Iterator[Refused]:
    """Yield what KEDA's webhook refuses (`CheckReplicaCountBoundsAreValid`), and the server of KEDA's autoscaler."""
    spec = mapping(value, "spec")
    path = ("advanced", "horizontalPodAutoscalerConfig", "behavior")
    yield from _behavior(mapping(spec, *path), ("spec", *path))
    least, most = whole(spec.get("minReplicaCount")) or 0, whole(spec.get("maxReplicaCount"))
    if most is not None and least > most:
        yield Refused(
            ("spec", "maxReplicaCount"), f"maxReplicaCount is {most}, minReplicaCount ({least}) or more is expected"
        )
    idle = whole(spec.get("idleReplicaCount"))
    if idle is not None and spec.get("minReplicaCount") is not None and idle >= max(1, least):
        yield Refused(
            ("spec", "idleReplicaCount"), f"idleReplicaCount is {idle}, less than minReplicaCount ({least}) is expected"
        )


def _priority_class(value: dict[str, Any]) -> Iterator[Refused]:
    highest = 1_000_000_000
    name, number = text(value, "metadata", "name"), whole(value.get("value"))
    if name.startswith("system-"):
        yield Refused(
            ("metadata", "name"), f"{name} begins with system-, which is Kubernetes' own", "name it otherwise"
        )
    elif number is not None and number > highest:
        yield Refused(("value",), f"value is {number}, at most {highest:,} is expected")


def _resource_claim_template(value: dict[str, Any]) -> Iterator[Refused]:
    devices = ("spec", "spec", "devices")
    for index, request in numbered(value, *devices, "requests"):
        here = (*devices, "requests", index)
        yield from needed(request, here, "name")
        yield from one_of(request, here, ("exactly", "firstAvailable"), f"request {text(request, 'name')}")
        exactly = request.get("exactly")
        if not isinstance(exactly, dict):
            continue
        yield from needed(exactly, (*here, "exactly"), "deviceClassName")
        yield from choice_of(exactly, (*here, "exactly"), "allocationMode", ("ExactCount", "All"))
        yield from range_of(exactly, (*here, "exactly"), "count", 1)
    known = {text(each, "name") for _, each in numbered(value, *devices, "requests")}
    for field in ("config", "constraints"):
        for index, each in numbered(value, *devices, field):
            for position, name in enumerate(listed(each, "requests")):
                if str(name).partition("/")[0] not in known:
                    yield Refused(
                        (*devices, field, index, "requests", position),
                        f"{field} is for request {name}, which is not there",
                    )


CONTROLLER_CHECKS: Mapping[tuple[str, str], Check] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "ReplicaSet"): _pods_of_controller,
    ("apps", "StatefulSet"): _stateful_set,
    ("batch", "Job"): _job,
    ("batch", "CronJob"): _cron_job,
    ("policy", "PodDisruptionBudget"): _disruption_budget,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    ("keda.sh", "ScaledObject"): _scaled_object,
    ("scheduling.k8s.io", "PriorityClass"): _priority_class,
    ("resource.k8s.io", "ResourceClaimTemplate"): _resource_claim_template,
}
