"""What operators refuse of their own kinds: LeaderWorkerSet's and KEDA's webhooks, and KubeRay, which makes no cluster.

LeaderWorkerSet: `generalValidate` in pkg/webhooks/leaderworkerset_webhook.go, at 060ab4da. KEDA 2.20.2:
apis/keda/v1alpha1/scaledobject_webhook.go, scaledobject_types.go and scaletriggers_types.go. KubeRay 1.7.0:
ray-operator/controllers/ray/utils/validation.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.rendering import Path
from modelyard.view.shapes import listed, mapping, numbered, text
from modelyard.view.validation.autoscaling import behavior
from modelyard.view.validation.checks import Check, Refused, distinct, one_of, range_of, share, whole

_KEDA_MOST = 100  # of replicas, where nothing is said
_OWN_METRICS = ("cpu", "memory")
_MOST_GROUPS = 1_000_000
_SUBGROUP_TOPOLOGY = "leaderworkerset.sigs.k8s.io/subgroup-exclusive-topology"
_FT_ANNOTATION = "ray.io/ft-enabled"
_NAMESPACE_ANNOTATION = "ray.io/external-storage-namespace"
_RAY_RESOURCES = ("num-cpus", "num-gpus", "memory", "resources")
_SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
# The number of a trigger that becomes a target of the autoscaler, which has to be above zero.
_TARGETS = {
    "prometheus": "threshold",
    "kafka": "lagThreshold",
    "metrics-api": "targetValue",
    "aws-cloudwatch": "targetMetricValue",
    "cpu": "value",
    "memory": "value",
}


def _scaled_object(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    path = ("advanced", "horizontalPodAutoscalerConfig", "behavior")
    yield from behavior(mapping(spec, *path), ("spec", *path))
    least, most = whole(spec.get("minReplicaCount")) or 0, whole(spec.get("maxReplicaCount"))
    if least > (_KEDA_MOST if most is None else most):
        told = f"{_KEDA_MOST}, the default" if most is None else most
        yield Refused(
            ("spec", "maxReplicaCount"), f"maxReplicaCount is {told}, minReplicaCount ({least}) or more is expected"
        )
    idle = whole(spec.get("idleReplicaCount"))
    if idle is not None and spec.get("minReplicaCount") is not None and idle >= max(1, least):
        yield Refused(
            ("spec", "idleReplicaCount"), f"idleReplicaCount is {idle}, less than minReplicaCount ({least}) is expected"
        )
    for field in ("failureThreshold", "replicas"):
        yield from range_of(mapping(spec, "fallback"), ("spec", "fallback"), field, 0)
    yield from _triggers(spec)
    kinds = {text(each, "type") for _, each in numbered(spec, "triggers")}
    if kinds and kinds <= set(_OWN_METRICS):
        if least == 0:
            yield Refused(
                ("spec", "minReplicaCount"),
                f"minReplicaCount is 0, and its triggers ({', '.join(sorted(kinds))}) measure pods that run",
                "set minReplicaCount to 1, or add a trigger that works without pods",
            )
        if spec.get("fallback") is not None:
            yield Refused(("spec", "fallback"), "fallback needs a trigger other than cpu and memory", "remove it")


def _scaled_job(value: dict[str, Any]) -> Iterator[Refused]:
    yield from _triggers(mapping(value, "spec"))


def _triggers(spec: dict[str, Any]) -> Iterator[Refused]:
    if isinstance(spec.get("triggers"), list) and not spec["triggers"]:
        yield Refused(("spec", "triggers"), "it has no triggers", "add one")
    yield from distinct(spec, ("spec",), "triggers", "name")
    for index, trigger in numbered(spec, "triggers"):
        here: Path = ("spec", "triggers", index)
        kind = text(trigger, "type")
        if trigger.get("useCachedMetrics") is True and kind in (*_OWN_METRICS, "cron"):
            yield Refused((*here, "useCachedMetrics"), f"a trigger of type {kind} has useCachedMetrics", "remove it")
        if kind in _OWN_METRICS and trigger.get("metricType") == "Value":
            yield Refused(
                (*here, "metricType"),
                f"a trigger of type {kind} has metricType Value, Utilization or AverageValue is expected",
            )
        elif kind not in _OWN_METRICS and trigger.get("metricType") == "Utilization":
            yield Refused(
                (*here, "metricType"),
                f"a trigger of type {kind} has metricType Utilization, AverageValue or Value is expected",
            )
        field = _TARGETS.get(kind)
        written = text(trigger, "metadata", field) if field else ""
        if written and _is_not_positive(written):
            yield Refused(
                (*here, "metadata", str(field)), f"{field} of trigger {kind} is {written}, more than zero is expected"
            )


def _is_not_positive(written: str) -> bool:
    try:
        return float(written) <= 0
    except ValueError:
        return False  # an amount with a unit, or what autoscaling/unreadable-trigger tells


def _leader_worker_set(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    name = text(value, "metadata", "name")
    if not _SERVICE_NAME.fullmatch(name):
        yield Refused(("metadata", "name"), f"{name} names a Service too, which begins with a letter and has no dot")
    yield from range_of(spec, ("spec",), "replicas", 0, _MOST_GROUPS)
    template = mapping(spec, "leaderWorkerTemplate")
    here: Path = ("spec", "leaderWorkerTemplate")
    yield from range_of(template, here, "size", 1)
    rolling = ("rolloutStrategy", "rollingUpdateConfiguration")
    rollout = mapping(spec, *rolling)
    for field in ("maxUnavailable", "maxSurge"):
        amount = share(rollout.get(field))
        if isinstance(rollout.get(field), str) and (amount is None or amount > 100):
            yield Refused(
                ("spec", *rolling, field), f"{field} is {rollout[field]}, a number or at most 100% is expected"
            )
    if rollout and share(rollout.get("maxUnavailable")) == 0 and not share(rollout.get("maxSurge", 0)):
        yield Refused(("spec", *rolling, "maxUnavailable"), "maxUnavailable and maxSurge are both 0")
    yield from _subgroups(value, template, here)


def _subgroups(value: dict[str, Any], template: dict[str, Any], at: Path) -> Iterator[Refused]:
    policy = template.get("subGroupPolicy")
    if not isinstance(policy, dict):
        if _SUBGROUP_TOPOLOGY in mapping(value, "metadata", "annotations"):
            yield Refused(
                ("metadata", "annotations", _SUBGROUP_TOPOLOGY),
                f"{_SUBGROUP_TOPOLOGY} needs subGroupPolicy.subGroupSize",
            )
        return
    here = (*at, "subGroupPolicy", "subGroupSize")
    size = whole(template.get("size", 1))
    part = whole(policy.get("subGroupSize"))
    if size is None or part is None:
        return
    if part < 1 or part > size:
        yield Refused(here, f"subGroupSize is {part}, 1 to size ({size}) is expected")
    elif size % part and (size - 1) % part:
        yield Refused(here, f"subGroupSize is {part}, which divides neither size ({size}) nor size - 1")
    elif policy.get("subGroupPolicyType") == "LeaderExcluded" and (size - 1) % part:
        yield Refused(here, f"subGroupSize is {part}, which does not divide size - 1 ({size - 1}) of LeaderExcluded")


def _ray_service(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    yield from _cluster(value, mapping(spec, "rayClusterConfig"), ("spec", "rayClusterConfig"))
    if text(spec, "rayClusterConfig", "headGroupSpec", "headService", "metadata", "name"):
        yield Refused(
            ("spec", "rayClusterConfig", "headGroupSpec", "headService", "metadata", "name"),
            "headService has a name, and KubeRay makes a Service for each cluster",
            "remove the name",
        )
    strategy = mapping(spec, "upgradeStrategy")
    here: Path = ("spec", "upgradeStrategy")
    if strategy.get("type") != "NewClusterWithIncrementalUpgrade":
        return
    if spec.get("rayClusterConfig") and mapping(spec, "rayClusterConfig").get("enableInTreeAutoscaling") is not True:
        yield Refused((*here, "type"), "an incremental upgrade needs enableInTreeAutoscaling")
    options = mapping(strategy, "clusterUpgradeOptions")
    below = (*here, "clusterUpgradeOptions")
    for field in ("stepSizePercent", "intervalSeconds", "gatewayClassName"):
        if not options.get(field):
            yield Refused((*below, field), f"an incremental upgrade needs {field}", f"set {field}")
    step, surge = whole(options.get("stepSizePercent")), whole(options.get("maxSurgePercent", 100))
    if step is not None and surge is not None and step > surge:
        yield Refused(
            (*below, "stepSizePercent"), f"stepSizePercent is {step}, at most maxSurgePercent ({surge}) is allowed"
        )


def _ray_cluster(value: dict[str, Any]) -> Iterator[Refused]:
    yield from _cluster(value, mapping(value, "spec"), ("spec",))


def _ray_job(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    yield from one_of(spec, ("spec",), ("rayClusterSpec", "clusterSelector"), "a RayJob")
    if isinstance(spec.get("rayClusterSpec"), dict):
        yield from _cluster(value, spec["rayClusterSpec"], ("spec", "rayClusterSpec"))
    yield from range_of(spec, ("spec",), "activeDeadlineSeconds", 1)
    yield from range_of(spec, ("spec",), "backoffLimit", 0)
    yield from range_of(spec, ("spec",), "ttlSecondsAfterFinished", 0)
    shuts_down = spec.get("shutdownAfterJobFinishes") is True
    for field, told in (("ttlSecondsAfterFinished", "a lifetime"), ("suspend", "suspend")):
        if spec.get(field) and not shuts_down:
            yield Refused(
                ("spec", field), f"{told} needs shutdownAfterJobFinishes", "set shutdownAfterJobFinishes to true"
            )
    if (whole(spec.get("backoffLimit")) or 0) > 0 and (
        spec.get("clusterSelector") or spec.get("submissionMode") == "InteractiveMode"
    ):
        yield Refused(("spec", "backoffLimit"), "backoffLimit goes with neither clusterSelector nor InteractiveMode")


def _cluster(value: dict[str, Any], spec: dict[str, Any], at: Path) -> Iterator[Refused]:
    scales = spec.get("enableInTreeAutoscaling") is True
    yield from _group(mapping(spec, "headGroupSpec"), (*at, "headGroupSpec"), "the head")
    yield from distinct(spec, at, "workerGroupSpecs", "groupName")
    for index, group in numbered(spec, "workerGroupSpecs"):
        here = (*at, "workerGroupSpecs", index)
        name = f"worker group {text(group, 'groupName')}"
        yield from _group(group, here, name)
        for field in ("minReplicas", "maxReplicas"):
            if not scales and group.get(field) is None:
                yield Refused((*here, field), f"{name} lacks {field}, and nothing scales the cluster", f"set {field}")
            yield from range_of(group, here, field, 0)
        if group.get("suspend") is True:
            yield Refused(
                (*here, "suspend"), f"{name} is suspended, which KubeRay does not allow here", "remove suspend"
            )
    yield from range_of(mapping(spec, "autoscalerOptions"), (*at, "autoscalerOptions"), "idleTimeoutSeconds", 0)
    yield from _fault_tolerance(value, spec, at)


def _group(group: dict[str, Any], at: Path, name: str) -> Iterator[Refused]:
    parameters = mapping(group, "rayStartParams")
    if "labels" in parameters:
        yield Refused((*at, "rayStartParams", "labels"), f"rayStartParams of {name} has labels", "move them to labels")
    twice = [each for each in _RAY_RESOURCES if parameters.get(each)]
    if twice and mapping(group, "resources"):
        yield Refused((*at, "resources"), f"{name} has resources, and {twice[0]} in rayStartParams", "keep one of them")


def _fault_tolerance(value: dict[str, Any], spec: dict[str, Any], at: Path) -> Iterator[Refused]:
    annotations = mapping(value, "metadata", "annotations")
    head = (*at, "headGroupSpec", "template", "spec", "containers", 0, "env")
    containers = listed(spec, "headGroupSpec", "template", "spec", "containers")
    env = {text(each, "name"): index for index, each in numbered(containers[0], "env")} if containers else {}
    options = spec.get("gcsFaultToleranceOptions")
    if not isinstance(options, dict):
        if "RAY_REDIS_ADDRESS" in env and annotations.get(_FT_ANNOTATION) != "true":
            yield Refused(
                (*head, env["RAY_REDIS_ADDRESS"]),
                "the head has RAY_REDIS_ADDRESS without gcsFaultToleranceOptions",
                "set gcsFaultToleranceOptions.redisAddress",
            )
        return
    for name in ("RAY_REDIS_ADDRESS", "REDIS_PASSWORD", "REDIS_USERNAME"):
        if name in env:
            yield Refused((*head, env[name]), f"the head has {name} beside gcsFaultToleranceOptions", "remove it")
    for key in (_FT_ANNOTATION, _NAMESPACE_ANNOTATION):
        if annotations.get(key):
            yield Refused(
                ("metadata", "annotations", key), f"{key} stands beside gcsFaultToleranceOptions", "remove it"
            )
    for parameter in ("redis-password", "redis-username"):
        if mapping(spec, "headGroupSpec", "rayStartParams").get(parameter):
            yield Refused(
                (*at, "headGroupSpec", "rayStartParams", parameter),
                f"rayStartParams has {parameter} beside gcsFaultToleranceOptions",
                "write it to gcsFaultToleranceOptions",
            )
    if options.get("storage") is not None and options.get("backend", "redis") == "redis":
        yield Refused((*at, "gcsFaultToleranceOptions", "storage"), "storage is for the backend rocksdb", "remove it")


OPERATOR_CHECKS: Mapping[tuple[str, str], Check] = {
    ("keda.sh", "ScaledJob"): _scaled_job,
    ("keda.sh", "ScaledObject"): _scaled_object,
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): _leader_worker_set,
    ("ray.io", "RayCluster"): _ray_cluster,
    ("ray.io", "RayJob"): _ray_job,
    ("ray.io", "RayService"): _ray_service,
}
