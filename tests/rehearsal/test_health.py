"""The health checks that the platform gives Argo CD, run by Argo CD's own Lua machine over statuses in their order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.tooling import find, run

VALUES = Path(__file__).parents[2] / "bases/platform/argocd/values.yaml"

pytestmark = pytest.mark.skipif(
    find("argocd-parts") is None, reason="argocd-parts is not installed: `make rehearsal-tools` builds it"
)


def healths(objects: list[dict[str, Any]]) -> list[str]:
    """Return what Argo CD says of objects."""
    program = find("argocd-parts")
    assert program is not None
    settings = {
        key: value
        for key, value in yaml.safe_load(VALUES.read_text())["configs"]["cm"].items()
        if key.startswith("resource.customizations.health.")
    }
    asked = json.dumps({"settings": settings, "objects": objects}).encode()
    done = run([program.path, "health"], stdin=asked, timeout=60.0, check=True)
    return [each["status"] for each in json.loads(done.stdout)]


# What a health check compares with the clock of Argo CD's own Lua machine.
PAST, TO_COME = "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


def condition(kind: str, status: str = "True", reason: str = "AsItIs") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": reason}


def test_a_group_of_pods_from_its_creation_to_an_update() -> None:
    def group(generation: int, status: dict[str, Any] | None) -> dict[str, Any]:
        value: dict[str, Any] = {
            "apiVersion": "leaderworkerset.x-k8s.io/v1",
            "kind": "LeaderWorkerSet",
            "metadata": {"name": "chat", "generation": generation},
            "spec": {"replicas": 2},
        }
        return value if status is None else {**value, "status": status}

    progressing = [condition("Progressing"), condition("Available", "False")]
    well = {"replicas": 2, "readyReplicas": 2, "updatedReplicas": 2, "conditions": [condition("Available")]}
    updating = [condition("Available", "False"), condition("UpdateInProgress")]
    seen = healths(
        [
            group(1, None),
            group(1, {"conditions": []}),
            group(1, {"replicas": 2, "readyReplicas": 0, "conditions": progressing, "observedGeneration": 1}),
            group(1, {"replicas": 2, "readyReplicas": 1, "conditions": progressing, "observedGeneration": 1}),
            group(1, {**well, "observedGeneration": 1}),
            group(2, {**well, "observedGeneration": 1}),  # the controller has not seen the change yet
            group(2, {**well, "updatedReplicas": 1, "conditions": updating, "observedGeneration": 2}),
            group(2, {**well, "observedGeneration": 2}),
        ]
    )
    assert seen == ["Progressing"] * 4 + ["Healthy", "Progressing", "Progressing", "Healthy"]


def test_a_ray_service_from_its_creation_to_an_upgrade_and_a_fault() -> None:
    def service(status: dict[str, Any] | None) -> dict[str, Any]:
        value: dict[str, Any] = {
            "apiVersion": "ray.io/v1",
            "kind": "RayService",
            "metadata": {"name": "chat", "generation": 1},
            "spec": {},
        }
        return value if status is None else {**value, "status": {"observedGeneration": 1, **status}}

    upgrading = [condition("Ready"), condition("UpgradeInProgress", reason="BothActivePendingClustersExist")]
    seen = healths(
        [
            service(None),
            service({}),
            service({"conditions": [condition("Ready", "False", "Initializing")]}),
            service({"conditions": [condition("Ready")]}),
            service({"conditions": upgrading}),
            service({"conditions": [condition("Ready"), condition("UpgradeInProgress", "False")]}),
            service({"conditions": [condition("Ready", "False", "ValidationFailed")]}),
        ]
    )
    assert seen == ["Progressing", "Progressing", "Progressing", "Healthy", "Progressing", "Healthy", "Degraded"]


def test_an_application_through_two_syncs() -> None:
    source = {"repoURL": "https://git.example.com/a.git", "path": "models/chat", "targetRevision": "v1"}

    def application(status: dict[str, Any] | None, revision: str = "v1") -> dict[str, Any]:
        spec = {"source": {**source, "targetRevision": revision}}
        value = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "chat"},
            "spec": spec,
        }
        return value if status is None else {**value, "status": status}

    compared = {"comparedTo": {"source": source}, "status": "Synced"}
    running, failed = {"phase": "Running", "message": "waiting"}, {"phase": "Failed", "message": "refused"}
    well = {"health": {"status": "Healthy"}, "sync": compared, "operationState": {"phase": "Succeeded"}}
    seen = healths(
        [
            application(None),
            application({"health": {"status": "Missing"}, "sync": compared, "operationState": running}),
            application({"health": {"status": "Healthy"}, "sync": compared, "operationState": running}),  # hooks run
            application({**well, "health": {"status": "Progressing"}}),
            application(well),
            application(well, "v2"),  # changed, and not compared yet
            application({**well, "operationState": {**failed, "finishedAt": TO_COME}}),
            application({**well, "health": {"status": "Degraded"}, "operationState": {"finishedAt": TO_COME}}),
            application({**well, "health": {"status": "Degraded"}, "operationState": {"finishedAt": PAST}}),
            application({**well, "operationState": {**running, "startedAt": PAST}}),
        ]
    )
    assert seen == ["Progressing"] * 4 + ["Healthy", "Progressing", "Progressing", "Progressing", "Healthy", "Healthy"]


def of(api_version: str, kind: str, *statuses: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return an object of a kind with one status after the other."""
    plain = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "chat", "generation": 1}, "spec": {}}
    return [plain if status is None else {**plain, "status": status} for status in statuses]


OTHERS: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "apps_DaemonSet": (
        of(
            "apps/v1",
            "DaemonSet",
            None,
            {"observedGeneration": 1, "desiredNumberScheduled": 3},
            {"observedGeneration": 1, "desiredNumberScheduled": 3, "numberAvailable": 2},
        ),
        ["Progressing", "Progressing", "Healthy"],
    ),
    "external-secrets.io_ExternalSecret": (
        of(
            "external-secrets.io/v1",
            "ExternalSecret",
            None,
            {"conditions": [condition("Ready", "False", "SecretSyncedError")]},
            {"conditions": [condition("Ready")]},
        ),
        ["Progressing", "Degraded", "Healthy"],
    ),
    "ray.io_RayCluster": (
        of("ray.io/v1", "RayCluster", None, {}, {"state": "ready"}, {"state": "suspended"}, {"state": "failed"}),
        ["Progressing", "Progressing", "Healthy", "Suspended", "Degraded"],
    ),
    "resource.nvidia.com_ComputeDomain": (
        of("resource.nvidia.com/v1beta1", "ComputeDomain", None, {"status": "NotReady"}, {"status": "Ready"}),
        ["Progressing", "Progressing", "Healthy"],
    ),
    "model.aibrix.ai_ModelAdapter": (
        of(
            "model.aibrix.ai/v1alpha1",
            "ModelAdapter",
            None,
            {"phase": "Pending"},
            {"phase": "Running", "readyReplicas": 1, "desiredReplicas": 2},
            {"phase": "Running", "readyReplicas": 2, "desiredReplicas": 2},
            {"phase": "Failed", "conditions": [condition("Ready", "False", "LoadFailed")]},
        ),
        ["Progressing", "Progressing", "Progressing", "Healthy", "Degraded"],
    ),
    "eks.amazonaws.com_NodeClass": (
        of(
            "eks.amazonaws.com/v1",
            "NodeClass",
            None,
            {"conditions": [condition("SubnetsReady")]},
            {"conditions": [condition("SubnetsReady"), condition("Ready", "Unknown")]},
            {"conditions": [condition("SubnetsReady", "False"), condition("Ready", "False")]},
            {"conditions": [condition("SubnetsReady"), condition("Ready")]},
        ),
        ["Progressing", "Progressing", "Progressing", "Degraded", "Healthy"],
    ),
    "autoscaling.aibrix.ai_PodAutoscaler": (
        of(
            "autoscaling.aibrix.ai/v1alpha1",
            "PodAutoscaler",
            None,
            {"conditions": [condition("Ready", "False")]},
            {"conditions": [condition("Ready", "False"), condition("AbleToScale")]},
            {"conditions": [condition("AbleToScale", "False")]},
        ),
        ["Progressing", "Progressing", "Healthy", "Degraded"],
    ),
}
IN_TESTS_ABOVE = ("argoproj.io_Application", "leaderworkerset.x-k8s.io_LeaderWorkerSet", "ray.io_RayService")


@pytest.mark.parametrize("kind", OTHERS)
def test_others_from_their_creation_on(kind: str) -> None:
    objects, expected = OTHERS[kind]
    assert healths(objects) == expected


def test_every_check_of_ours_is_tried() -> None:
    ours = {key for key in yaml.safe_load(VALUES.read_text())["configs"]["cm"] if ".health." in key}
    assert ours == {f"resource.customizations.health.{each}" for each in (*IN_TESTS_ABOVE, *OTHERS)}
