"""Health checks for Argo CD, run by a Lua 5.1 interpreter as Argo CD does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.manifests.composition import BASES, documents, load

lua51 = pytest.importorskip("lupa.lua51", reason="lupa is not installed: health checks are not run (pip install lupa)")
# Argo CD opens only base, package, table and a part of os for checks that are not its own (util/lua/lua.go).
CLOSED = ("string", "math", "io", "os", "debug", "coroutine", "dofile", "loadfile", "require")
PREFIX = "resource.customizations.health."
CHECKS = {
    key.removeprefix(PREFIX): text
    for key, text in load(BASES / "platform" / "argocd" / "values.yaml")["configs"]["cm"].items()
    if key.startswith(PREFIX)
}


def health(kind: str, resource: dict[str, Any]) -> tuple[str, str]:
    """Return the status and the message that a check gives."""
    lua = lua51.LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    for name in CLOSED:
        lua.globals()[name] = None
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
        "metadata": {"generation": 1},
        "spec": {"source": source},
        "status": {"sync": {"comparedTo": {"source": source}}, **status},
    }


def condition(kind: str, status: str, reason: str = "", message: str = "") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


HEALTHY = {"status": "Healthy"}
OTHER = {"repoURL": "https://example.com/r.git", "path": "environments/dev/models/chat", "targetRevision": "v1"}
GROUPS = {"metadata": {"generation": 2}, "spec": {"replicas": 2}}
SERVICE = {"metadata": {"generation": 2}, "spec": {}}
CLUSTER = {"metadata": {"generation": 1}, "spec": {}}

CASES: list[tuple[str, str, dict[str, Any], str]] = [
    ("argoproj.io_Application", "new", {"spec": {}}, "Progressing"),
    ("argoproj.io_Application", "healthy", application(health=HEALTHY), "Healthy"),
    ("argoproj.io_Application", "degraded", application(health={"status": "Degraded", "message": "x"}), "Degraded"),
    (
        "argoproj.io_Application",
        "hook runs",
        application(health=HEALTHY, operationState={"phase": "Running"}),
        "Progressing",
    ),
    (
        "argoproj.io_Application",
        "sync failed",
        application(health=HEALTHY, operationState={"phase": "Failed"}),
        "Degraded",
    ),
    (
        "argoproj.io_Application",
        "synced",
        application(health=HEALTHY, operationState={"phase": "Succeeded"}),
        "Healthy",
    ),
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
