"""Health checks for Argo CD, run by a Lua 5.1 interpreter as Argo CD does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.manifests.composition import BASES, load

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
    ("ray.io_RayCluster", "new", CLUSTER, "Progressing"),
    ("ray.io_RayCluster", "ready", {**CLUSTER, "status": {"state": "ready"}}, "Healthy"),
    ("ray.io_RayCluster", "suspended", {**CLUSTER, "status": {"state": "suspended"}}, "Suspended"),
    ("ray.io_RayCluster", "failed", {**CLUSTER, "status": {"state": "failed", "reason": "x"}}, "Degraded"),
]


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


def test_messages_count_groups() -> None:
    resource = {**GROUPS, "status": {"readyReplicas": 1, "conditions": [condition("Progressing", "True")]}}
    assert health("leaderworkerset.x-k8s.io_LeaderWorkerSet", resource) == ("Progressing", "1 of 2 groups are ready")
