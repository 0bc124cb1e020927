"""What the API server and operators refuse in code, each on the smallest manifest that says it."""

from __future__ import annotations

from typing import Any

import pytest
from ruamel.yaml import YAML

from modelyard.view.validation.autoscaling import AUTOSCALER_CHECKS
from modelyard.view.validation.cluster import CLUSTER_CHECKS
from modelyard.view.validation.controllers import CONTROLLER_CHECKS
from modelyard.view.validation.devices import DEVICE_CHECKS
from modelyard.view.validation.jobs import JOB_CHECKS, wrong_schedule
from modelyard.view.validation.network import NETWORK_CHECKS
from modelyard.view.validation.operators import OPERATOR_CHECKS
from modelyard.view.validation.pods import pod_spec

_CHECKS = {
    **AUTOSCALER_CHECKS,
    **CLUSTER_CHECKS,
    **CONTROLLER_CHECKS,
    **DEVICE_CHECKS,
    **JOB_CHECKS,
    **NETWORK_CHECKS,
    **OPERATOR_CHECKS,
}
_JOB = "completions: 2, template: {spec: {restartPolicy: Never, containers: [{name: main}]}}"
_GROUP = "leaderWorkerTemplate: {size: 4"
_HPA = "scaleTargetRef: {kind: Deployment, name: chat}, maxReplicas: 2"
_RAY = "headGroupSpec: {template: {spec: {containers: [{name: head, env: [{name: RAY_REDIS_ADDRESS, value: a}]}]}}}"
_DEVICES = "deviceClassName: gpu.nvidia.com"


def _read(text: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(text)
    return found


def _said(kind: str, spec: str) -> list[str]:
    group, _, name = kind.rpartition("/")
    value = {"kind": name, "metadata": {"name": "chat"}, "spec": _read(f"{{{spec}}}")}
    return [each.said for each in _CHECKS[(group, name)](value)]


@pytest.mark.parametrize(
    ("kind", "spec", "told"),
    [
        ("batch/Job", f"completionMode: NonIndexed, successPolicy: {{}}, {_JOB}", "successPolicy is set"),
        ("batch/Job", f"completionMode: Indexed, maxFailedIndexes: 3, {_JOB}", "at most completions (2)"),
        ("batch/Job", f"podReplacementPolicy: TerminatingOrFailed, podFailurePolicy: {{rules: []}}, {_JOB}", "Failed"),
        (
            "autoscaling/HorizontalPodAutoscaler",
            f"{_HPA}, metrics: [{{type: Resource, resource: {{name: cpu}}}}]",
            "lacks",
        ),
        (
            "autoscaling/HorizontalPodAutoscaler",
            f"{_HPA}, behavior: {{scaleUp: {{selectPolicy: Most}}}}",
            "selectPolicy",
        ),
        ("keda.sh/ScaledObject", "triggers: []", "no triggers"),
        ("keda.sh/ScaledObject", "triggers: [{type: cpu, name: a}, {type: cron, name: a}]", "second item"),
        ("keda.sh/ScaledObject", "minReplicaCount: 0, triggers: [{type: cpu}]", "measure pods that run"),
        ("keda.sh/ScaledObject", "minReplicaCount: 200, triggers: [{type: cron}]", "100, the default"),
        ("keda.sh/ScaledObject", 'triggers: [{type: prometheus, metadata: {threshold: "-1"}}]', "threshold"),
        ("keda.sh/ScaledObject", "triggers: [{type: prometheus, metricType: Utilization}]", "metricType"),
        (
            "leaderworkerset.x-k8s.io/LeaderWorkerSet",
            f"{_GROUP}, subGroupPolicy: {{subGroupSize: 5}}}}",
            "1 to size (4)",
        ),
        (
            "leaderworkerset.x-k8s.io/LeaderWorkerSet",
            f"{_GROUP}, subGroupPolicy: {{subGroupSize: 2, subGroupPolicyType: LeaderExcluded}}}}",
            "LeaderExcluded",
        ),
        (
            "leaderworkerset.x-k8s.io/LeaderWorkerSet",
            "rolloutStrategy: {rollingUpdateConfiguration: {maxUnavailable: 0, maxSurge: 0}}",
            "both 0",
        ),
        ("ray.io/RayCluster", _RAY, "without gcsFaultToleranceOptions"),
        ("ray.io/RayCluster", f"{_RAY}, gcsFaultToleranceOptions: {{redisAddress: a}}", "beside gcsFault"),
        ("ray.io/RayCluster", "workerGroupSpecs: [{groupName: a, minReplicas: 1}]", "lacks maxReplicas"),
        (
            "ray.io/RayJob",
            "ttlSecondsAfterFinished: 60, clusterSelector: {ray.io/cluster: a}",
            "shutdownAfterJobFinishes",
        ),
        (
            "ray.io/RayService",
            "upgradeStrategy: {type: NewClusterWithIncrementalUpgrade}",
            "needs stepSizePercent",
        ),
        ("resource.k8s.io/DeviceClass", 'selectors: [{cel: {expression: "device.drivers == 1"}}]', "device.drivers"),
        (
            "resource.k8s.io/DeviceClass",
            "selectors: [{cel: {expression: \"(device.driver == 'a'\"}}]",
            "does not close (",
        ),
        (
            "resource.k8s.io/DeviceClass",
            "selectors: [{cel: {expression: \"device.capacity['a'].memory >= quantity('39Gi')\"}}]",
            "orders a quantity",
        ),
        (
            "resource.k8s.io/ResourceClaim",
            f"devices: {{requests: [{{name: a, exactly: {{{_DEVICES}}}}}], constraints: [{{requests: [a]}}]}}",
            "none of distinctAttribute, matchAttribute",
        ),
        ("/Service", "ports: [{port: 80, nodePort: 30080}]", "nodePort"),
        ("/Service", "loadBalancerClass: a, ports: [{port: 80}]", "goes with LoadBalancer"),
        ("/PersistentVolumeClaim", "accessModes: [ReadWriteOncePod, ReadOnlyMany]", "ReadWriteOncePod"),
        ("/LimitRange", "limits: [{type: Pod, default: {memory: 1Gi}}]", "type Pod"),
        ("/LimitRange", "limits: [{type: PersistentVolumeClaim}]", "neither min nor max"),
        ("/ResourceQuota", "scopes: [BestEffort, NotBestEffort]", "both"),
        ("apps/StatefulSet", "updateStrategy: {type: OnDelete, rollingUpdate: {}}", "rollingUpdate"),
    ],
)
def test_value_is_refused(kind: str, spec: str, told: str) -> None:
    assert any(told in each for each in _said(kind, spec)), _said(kind, spec)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("batch/Job", f"completionMode: Indexed, backoffLimitPerIndex: 1, maxFailedIndexes: 1, {_JOB}"),
        ("keda.sh/ScaledObject", "minReplicaCount: 0, triggers: [{type: cpu}, {type: cron}]"),
        ("keda.sh/ScaledObject", 'triggers: [{type: prometheus, metadata: {threshold: "0.7"}}]'),
        (
            "leaderworkerset.x-k8s.io/LeaderWorkerSet",
            "leaderWorkerTemplate: {size: 5, subGroupPolicy: {subGroupSize: 2}}",
        ),
        ("ray.io/RayCluster", "enableInTreeAutoscaling: true, workerGroupSpecs: [{groupName: a, minReplicas: 2}]"),
        ("ray.io/RayJob", "clusterSelector: {ray.io/cluster: a}"),
        (
            "resource.k8s.io/DeviceClass",
            "selectors: [{cel: {expression: \"device.capacity['a'].memory.compareTo(quantity('39Gi')) >= 0\"}}]",
        ),
        (
            "resource.k8s.io/ResourceClaim",
            "devices: {requests: [{name: a, firstAvailable: [{name: b, deviceClassName: c}]}], config: []}",
        ),
        ("/Service", "type: LoadBalancer, loadBalancerClass: a, ports: [{port: 80, nodePort: 30080}]"),
        ("apps/StatefulSet", "updateStrategy: {type: OnDelete}, selector: {matchLabels: {}, matchExpressions: [{}]}"),
    ],
)
def test_value_is_taken(kind: str, spec: str) -> None:
    assert _said(kind, spec) == []


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("dnsConfig: {nameservers: [ns.example.com]}", "an IP address"),
        ("hostAliases: [{ip: weights}]", "an IP address"),
        ("schedulingGates: [{name: a b}]", "a label's key"),
        ("hostPID: true, shareProcessNamespace: true", "hostPID"),
        ("securityContext: {seccompProfile: {type: Localhost}}", "localhostProfile"),
        ("securityContext: {fsGroup: -1}", "fsGroup"),
        (
            "hostNetwork: true, containers: [{name: a, image: a, ports: [{containerPort: 1, hostPort: 2}]}]",
            "hostPort is 2",
        ),
        (
            "containers: [{name: a, image: a, volumeMounts: [{name: a, mountPath: /a, subPath: b, subPathExpr: c}]}]",
            "both",
        ),
        ("containers: [{name: a, image: a, resizePolicy: [{resourceName: gpu}]}]", "resourceName"),
        (
            "containers: [{name: a, image: a, env: [{name: A, valueFrom: {resourceFieldRef: {resource: cpus}}}]}]",
            "takes cpus",
        ),
    ],
)
def test_pod_is_refused(spec: str, told: str) -> None:
    said = [each.said for each in pod_spec(_read(f"{{{spec}}}"), ("spec",))]
    assert any(told in each for each in said), said


@pytest.mark.parametrize(
    "written", ["0 1 * * *", "*/5 0-23/2 1,15 jan-dec ? ", "@daily", "@every 1h30m", "0 0 31 12 SAT"]
)
def test_schedule_is_taken(written: str) -> None:
    assert wrong_schedule(written) == ""


@pytest.mark.parametrize(
    "written",
    [
        "0 24 * * *",
        "60 * * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 7",
        "1-0 * * * *",
        "*/0 * * * *",
        "@often",
        "* * * *",
    ],
)
def test_schedule_is_refused(written: str) -> None:
    assert wrong_schedule(written)
