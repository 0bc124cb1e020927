"""Health checks for Argo CD, run by a Lua 5.1 interpreter as Argo CD does."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.manifests.composition import BASES, documents, load

lua51 = pytest.importorskip("lupa.lua51", reason="lupa is not installed: health checks are not run (pip install lupa)")
# Argo CD opens only base, package, table and a part of os for checks that are not its own (util/lua/lua.go); of os they
# require time and date (util/lua/oslib_safe.go).
CLOSED = ("string", "math", "io", "os", "debug", "coroutine", "dofile", "loadfile", "require")
NOW = 1_800_000_000  # 2027-01-15T08:00:00Z
OS = """
local date, now = os.date, ...
return function(name)
  assert(name == "os")
  return {date = date, time = function() return now end}
end
"""
PREFIX = "resource.customizations.health."
CHECKS = {
    key.removeprefix(PREFIX): text
    for key, text in load(BASES / "platform" / "argocd" / "values.yaml")["configs"]["cm"].items()
    if key.startswith(PREFIX)
}


def health(kind: str, resource: dict[str, Any]) -> tuple[str, str]:
    """Return the status and the message that a check gives."""
    lua = lua51.LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    require = lua.execute(OS, NOW)
    for name in CLOSED:
        lua.globals()[name] = None
    lua.globals()["require"] = require
    lua.globals()["obj"] = table(lua, resource)
    result = lua.execute(CHECKS[kind])
    return result["status"], result["message"]


def table(lua: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return lua.table_from({key: table(lua, item) for key, item in value.items()})
    if isinstance(value, list):
        return lua.table_from([table(lua, item) for item in value])
    return value


def application(**status: Any) -> dict[str, Any]:
    source = {"repoURL": "https://example.com/r.git", "path": "environments/dev/models/chat", "targetRevision": "main"}
    return {
        "metadata": {"generation": 1, "creationTimestamp": "2027-01-15T07:50:00Z"},
        "spec": {"source": source},
        "status": {"sync": {"comparedTo": {"source": source}}, **status},
    }


def daemons(observed: int, wanted: int, available: int) -> dict[str, Any]:
    told = {"observedGeneration": observed, "desiredNumberScheduled": wanted, "numberAvailable": available}
    return {**DAEMONS, "status": told}


def condition(kind: str, status: str, reason: str = "", message: str = "") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def ended(phase: str, at: str = "2027-01-15T07:59:00Z") -> dict[str, str]:
    return {"phase": phase, "startedAt": at, "finishedAt": at}


HEALTHY = {"status": "Healthy"}
DEGRADED = {"status": "Degraded", "message": "Caused by apps/DaemonSet:a/b"}
JUST_NOW, LONG_AGO = "2027-01-15T07:59:00Z", "2027-01-15T07:54:59Z"
RUNNING = {"phase": "Running", "startedAt": JUST_NOW, "message": "waiting for completion of hook"}
DAEMONS: dict[str, Any] = {"metadata": {"generation": 2}, "spec": {}}
TOKEN: dict[str, Any] = {"metadata": {"annotations": {"argocd.argoproj.io/ignore-healthcheck": "true"}}, "spec": {}}
NOT_SYNCED = {"conditions": [{"type": "Ready", "status": "False", "message": "could not get secret data"}]}
OTHER = {"repoURL": "https://example.com/r.git", "path": "environments/dev/models/chat", "targetRevision": "v1"}
GROUPS = {"metadata": {"generation": 2}, "spec": {"replicas": 2}}
SERVICE = {"metadata": {"generation": 2}, "spec": {}}
CLUSTER = {"metadata": {"generation": 1}, "spec": {}}

CASES: list[tuple[str, str, dict[str, Any], str]] = [
    ("argoproj.io_Application", "new", {"metadata": {"creationTimestamp": JUST_NOW}, "spec": {}}, "Progressing"),
    ("argoproj.io_Application", "never compared", {"metadata": {"creationTimestamp": LONG_AGO}, "spec": {}}, "Healthy"),
    ("argoproj.io_Application", "healthy", application(health=HEALTHY), "Healthy"),
    ("argoproj.io_Application", "hook runs", application(health=HEALTHY, operationState=RUNNING), "Progressing"),
    (
        "argoproj.io_Application",
        "hook runs for a long time",
        application(health=HEALTHY, operationState={**RUNNING, "startedAt": LONG_AGO}),
        "Healthy",
    ),
    (
        "argoproj.io_Application",
        "is tried again, which began long ago",
        application(health=DEGRADED, operationState={**RUNNING, "startedAt": LONG_AGO, "finishedAt": JUST_NOW}),
        "Healthy",
    ),
    (
        "argoproj.io_Application",
        "next sync is asked for",
        {**application(health=HEALTHY, operationState=ended("Succeeded", LONG_AGO)), "operation": {"sync": {}}},
        "Progressing",
    ),
    (
        "argoproj.io_Application",
        "health is that of before the sync",
        application(health=HEALTHY, operationState=ended("Succeeded"), reconciledAt=LONG_AGO),
        "Progressing",
    ),
    (
        "argoproj.io_Application",
        "degraded after a change",
        application(health=DEGRADED, operationState=ended("Succeeded")),
        "Progressing",
    ),
    (
        "argoproj.io_Application",
        "degraded without a change",
        application(health=DEGRADED, operationState=ended("Succeeded", LONG_AGO)),
        "Healthy",
    ),
    (
        "argoproj.io_Application",
        "progressing for a long time",
        application(health={"status": "Progressing"}, operationState=ended("Succeeded", LONG_AGO)),
        "Healthy",
    ),
    (
        "argoproj.io_Application",
        "sync failed",
        application(health=HEALTHY, operationState=ended("Failed")),
        "Progressing",
    ),
    (
        "argoproj.io_Application",
        "sync failed long ago",
        application(health=HEALTHY, operationState=ended("Failed", LONG_AGO)),
        "Healthy",
    ),
    ("argoproj.io_Application", "synced", application(health=HEALTHY, operationState=ended("Succeeded")), "Healthy"),
    (
        "argoproj.io_Application",
        "moved",
        application(health=HEALTHY, sync={"comparedTo": {"source": OTHER}}),
        "Progressing",
    ),
    (
        "argoproj.io_Application",
        "chart moved",
        {
            "metadata": {"creationTimestamp": LONG_AGO},
            "spec": {"sources": [{"path": "a", "targetRevision": "main"}, {"chart": "c", "targetRevision": "2.0.0"}]},
            "status": {
                "health": HEALTHY,
                "sync": {
                    "comparedTo": {
                        "sources": [{"path": "a", "targetRevision": "main"}, {"chart": "c", "targetRevision": "1.0.0"}]
                    }
                },
            },
        },
        "Progressing",
    ),
    ("apps_DaemonSet", "new", DAEMONS, "Progressing"),
    ("apps_DaemonSet", "changed", daemons(1, 3, 3), "Progressing"),
    ("apps_DaemonSet", "no node yet", daemons(2, 0, 0), "Healthy"),
    ("apps_DaemonSet", "on no node", daemons(2, 3, 0), "Progressing"),
    ("apps_DaemonSet", "one node of three is ill", daemons(2, 3, 2), "Healthy"),
    ("external-secrets.io_ExternalSecret", "new", TOKEN, "Progressing"),
    ("external-secrets.io_ExternalSecret", "a person is late", {**TOKEN, "status": NOT_SYNCED}, "Healthy"),
    ("external-secrets.io_ExternalSecret", "broken", {"metadata": {}, "spec": {}, "status": NOT_SYNCED}, "Degraded"),
    (
        "external-secrets.io_ExternalSecret",
        "synced",
        {"metadata": {}, "spec": {}, "status": {"conditions": [condition("Ready", "True")]}},
        "Healthy",
    ),
    ("leaderworkerset.x-k8s.io_LeaderWorkerSet", "new", GROUPS, "Progressing"),
    (
        "leaderworkerset.x-k8s.io_LeaderWorkerSet",
        "status of the last generation",
        {
            **GROUPS,
            "status": {"observedGeneration": 1, "readyReplicas": 2, "conditions": [condition("Available", "True")]},
        },
        "Progressing",
    ),
    (
        "leaderworkerset.x-k8s.io_LeaderWorkerSet",
        "one of two groups",
        {
            **GROUPS,
            "status": {"observedGeneration": 2, "readyReplicas": 1, "conditions": [condition("Progressing", "True")]},
        },
        "Progressing",
    ),
    (
        "leaderworkerset.x-k8s.io_LeaderWorkerSet",
        "old groups are ready, new ones are not",
        {
            **GROUPS,
            "status": {
                "observedGeneration": 2,
                "readyReplicas": 2,
                "conditions": [condition("UpdateInProgress", "True")],
            },
        },
        "Progressing",
    ),
    (
        "leaderworkerset.x-k8s.io_LeaderWorkerSet",
        "all groups",
        {
            **GROUPS,
            "status": {"observedGeneration": 2, "readyReplicas": 2, "conditions": [condition("Available", "True")]},
        },
        "Healthy",
    ),
    ("ray.io_RayService", "new", SERVICE, "Progressing"),
    (
        "ray.io_RayService",
        "status of the last generation",
        {**SERVICE, "status": {"observedGeneration": 1, "conditions": [condition("Ready", "True")]}},
        "Progressing",
    ),
    (
        "ray.io_RayService",
        "serves while the second cluster comes up",
        {
            **SERVICE,
            "status": {"conditions": [condition("Ready", "True"), condition("UpgradeInProgress", "True", "Both")]},
        },
        "Progressing",
    ),
    (
        "ray.io_RayService",
        "serves",
        {**SERVICE, "status": {"conditions": [condition("Ready", "True"), condition("UpgradeInProgress", "False")]}},
        "Healthy",
    ),
    (
        "ray.io_RayService",
        "loads",
        {**SERVICE, "status": {"conditions": [condition("Ready", "False", "Initializing")]}},
        "Progressing",
    ),
    (
        "ray.io_RayService",
        "refused",
        {**SERVICE, "status": {"conditions": [condition("Ready", "False", "ValidationFailed", "name too long")]}},
        "Degraded",
    ),
    ("eks.amazonaws.com_NodeClass", "new", {"spec": {}}, "Progressing"),
    (
        "eks.amazonaws.com_NodeClass",
        "no subnet",
        {"status": {"conditions": [condition("Ready", "False", "SubnetsNotFound")]}},
        "Degraded",
    ),
    ("eks.amazonaws.com_NodeClass", "ready", {"status": {"conditions": [condition("Ready", "True")]}}, "Healthy"),
    ("ray.io_RayCluster", "new", CLUSTER, "Progressing"),
    ("ray.io_RayCluster", "ready", {**CLUSTER, "status": {"state": "ready"}}, "Healthy"),
    ("ray.io_RayCluster", "suspended", {**CLUSTER, "status": {"state": "suspended"}}, "Suspended"),
    ("ray.io_RayCluster", "failed", {**CLUSTER, "status": {"state": "failed", "reason": "x"}}, "Degraded"),
    ("resource.nvidia.com_ComputeDomain", "new", {"spec": {"numNodes": 2}}, "Progressing"),
    ("resource.nvidia.com_ComputeDomain", "nodes join", {"status": {"status": "NotReady"}}, "Progressing"),
    ("resource.nvidia.com_ComputeDomain", "ready", {"status": {"status": "Ready"}}, "Healthy"),
    ("model.aibrix.ai_ModelAdapter", "new", {"spec": {}}, "Progressing"),
    ("model.aibrix.ai_ModelAdapter", "no pod yet", {"status": {"phase": "Pending"}}, "Progressing"),
    (
        "model.aibrix.ai_ModelAdapter",
        "one of two",
        {"status": {"phase": "Running", "readyReplicas": 1, "desiredReplicas": 2}},
        "Progressing",
    ),
    (
        "model.aibrix.ai_ModelAdapter",
        "both",
        {"status": {"phase": "Running", "readyReplicas": 2, "desiredReplicas": 2}},
        "Healthy",
    ),
    (
        "model.aibrix.ai_ModelAdapter",
        "failed",
        {"status": {"phase": "Failed", "conditions": [condition("Ready", "False", "LoadingError", "no such file")]}},
        "Degraded",
    ),
    ("autoscaling.aibrix.ai_PodAutoscaler", "new", {"spec": {}}, "Progressing"),
    (
        "autoscaling.aibrix.ai_PodAutoscaler",
        "scales",
        {"status": {"conditions": [condition("AbleToScale", "True"), condition("Ready", "False")]}},
        "Healthy",
    ),
    (
        "autoscaling.aibrix.ai_PodAutoscaler",
        "two for one target",
        {"status": {"conditions": [condition("AbleToScale", "False", "InvalidSpec")]}},
        "Degraded",
    ),
]

# Argo CD 3.5.1 has a check of its own for these (resource_customizations/<group>/<kind>/health.lua), or in Go.
BUILT_IN = {
    *("external-secrets.io/ExternalSecret", "external-secrets.io/SecretStore", "karpenter.k8s.aws/EC2NodeClass"),
    *("karpenter.sh/NodePool", "keda.sh/ScaledObject", "cert-manager.io/Certificate", "cert-manager.io/Issuer"),
    *("gateway.networking.k8s.io/Gateway", "gateway.networking.k8s.io/GatewayClass"),
    *("gateway.networking.k8s.io/HTTPRoute", "networking.k8s.io/Ingress"),
}
# Nothing reports on these, or nothing waits for what is reported: they are what they say as soon as they are there.
WITHOUT_STATUS = {
    *("admissionregistration.k8s.io", "generators.external-secrets.io", "monitoring.coreos.com", "policy"),
    *("rbac.authorization.k8s.io", "resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io"),
    *("argoproj.io/AppProject", "elbv2.k8s.aws/IngressClassParams", "networking.k8s.io/IngressClass"),
    *("networking.k8s.io/NetworkPolicy", "gateway.envoyproxy.io/EnvoyProxy"),
    # Its operator says "reconciled" of each (http-add-on v0.15.0, interceptorroute_controller.go), and no more.
    "http.keda.sh/InterceptorRoute",
}


@pytest.mark.parametrize(
    ("kind", "resource", "status"), [pytest.param(k, r, s, id=f"{k}: {n}") for k, n, r, s in CASES]
)
def test_health(kind: str, resource: dict[str, Any], status: str) -> None:
    found, message = health(kind, resource)
    assert found == status, message
    assert isinstance(message, str)


def test_every_check_has_a_case_in_which_it_is_healthy_and_one_in_which_it_is_not() -> None:
    for kind in CHECKS:
        assert {status == "Healthy" for k, _, _, status in CASES if k == kind} == {True, False}, kind


def test_every_kind_that_is_shipped_has_a_known_health() -> None:
    """A kind without one is healthy at once, and what comes after it starts too early."""
    found = {
        (document["apiVersion"].partition("/")[0], document["kind"])
        for folder in ("features", "platform", "serving")
        for path, document in documents(BASES / folder)
        if isinstance(document, dict) and "/" in str(document.get("apiVersion", "")) and "spec" in document
    }
    kinds = {
        (group, kind)
        for group, kind in found
        if "." in group and not group.endswith((".config.k8s.io", "kustomize.config.k8s.io"))
    }
    assert len(kinds) > 8
    for group, kind in sorted(kinds):
        known = f"{group}_{kind}" in CHECKS or f"{group}/{kind}" in BUILT_IN | WITHOUT_STATUS or group in WITHOUT_STATUS
        assert known, f"Argo CD has no health check for {group}/{kind}"


def test_messages_count_groups() -> None:
    resource = {**GROUPS, "status": {"readyReplicas": 1, "conditions": [condition("Progressing", "True")]}}
    assert health("leaderworkerset.x-k8s.io_LeaderWorkerSet", resource) == ("Progressing", "1 of 2 groups are ready")


def test_what_is_not_waited_for_is_said_in_words() -> None:
    late = application(health=DEGRADED, operationState=ended("Succeeded", LONG_AGO))
    assert health("argoproj.io_Application", late) == (
        "Healthy",
        "Not waited for any longer: Degraded: Caused by apps/DaemonSet:a/b",
    )
    assert health("external-secrets.io_ExternalSecret", {**TOKEN, "status": NOT_SYNCED}) == (
        "Healthy",
        "Not synced, so that pods which need it wait: could not get secret data",
    )


def test_waves_pass_before_argo_cd_ends_the_sync_of_the_root() -> None:
    """A sync that was ended is not tried again, so that the last waves would never come."""
    patience = int(re.search(r"local patience = (\d+)", CHECKS["argoproj.io_Application"])[1])  # type: ignore[index]
    limit = int(load(BASES / "platform/argocd/values.yaml")["configs"]["params"]["controller.sync.timeout.seconds"])
    menu = (BASES.parent / "template/components.yaml.jinja").read_text()
    waves = len(set(re.findall(r"^  wave: (-\d+)$", menu, re.MULTILINE)))
    assert waves > 3
    assert waves * patience + 120 <= limit, f"{waves} waves of {patience} s each"
