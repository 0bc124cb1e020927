"""What kubelets would say of nodes and pods, said by a stand-in: no container runs in a rehearsal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from modelyard.rehearsal.api import Api, ServedKind, object_path

NODES, PODS = ServedKind("nodes", False), ServedKind("pods", True)
STRATEGIC = "application/strategic-merge-patch+json"
_NO_KUBELET = "no kubelet runs here"


def now() -> str:
    """Return the present time as Kubernetes writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def condition(kind: str, status: bool = True, reason: str = "StandIn", message: str = "") -> dict[str, Any]:
    """Return one condition of a status."""
    return {
        "type": kind,
        "status": "True" if status else "False",
        "reason": reason,
        "message": message,
        "lastTransitionTime": now(),
    }


class Kubelets:
    """Stands in for the kubelets of all nodes.

    Args:
        api: The server.
        run_pods: Whether pods are said to run; else they stay as the scheduler left them.

    Attributes:
        unpullable: Namespaces in which no image can be pulled.
        ill: Whether the first node by name is not ready.
    """

    def __init__(self, api: Api, *, run_pods: bool) -> None:
        self._api = api
        self._run_pods = run_pods
        self.unpullable: frozenset[str] = frozenset()
        self.ill = False
        self._told: dict[str, str] = {}

    def turn(self) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
        """Bring all statuses up to date once, and return the nodes by name and the pods as they were before."""
        nodes = {each["metadata"]["name"]: each for each in self._list("/api/v1/nodes")}
        for name in nodes:
            ready = not (self.ill and name == min(nodes))
            told = condition("Ready", ready, "StandIn" if ready else "KubeletNotReady", _NO_KUBELET)
            heartbeat = {**told, "lastHeartbeatTime": now()}
            self._patch(object_path(NODES, "v1", "", name), {"conditions": [heartbeat]})
        pods = self._list("/api/v1/pods")
        if self._run_pods:
            for pod in pods:
                self._run(pod, nodes)
        return nodes, pods

    def _run(self, pod: dict[str, Any], nodes: dict[str, dict[str, Any]]) -> None:
        metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
        path = object_path(PODS, "v1", metadata["namespace"], metadata["name"])
        if not spec.get("nodeName"):
            return
        if metadata.get("deletionTimestamp"):
            self._api.request("DELETE", path, {"gracePeriodSeconds": 0, "preconditions": {"uid": metadata["uid"]}})
            return
        if spec["nodeName"] not in nodes or status.get("phase") in ("Succeeded", "Failed"):
            return
        missing = "" if status.get("phase") == "Running" else self._missing(metadata["namespace"], spec)
        if not missing and status.get("phase") != "Running" and metadata["namespace"] in self.unpullable:
            missing = "failed to pull and unpack image"
            told = _pending(spec, missing, "ErrImagePull")
        elif missing:
            told = _pending(spec, missing)
        elif spec.get("restartPolicy", "Always") != "Always" and status.get("phase") == "Running":
            told = _succeeded(spec, status)
        elif status.get("phase") == "Running":
            return
        else:
            told = _running(spec, 1 + len(self._told) % 250)
        mark = f"{told['phase']} {missing}"
        if self._told.get(metadata["uid"]) != mark:
            self._told[metadata["uid"]] = mark
            self._patch(path, told)

    def _missing(self, namespace: str, spec: dict[str, Any]) -> str:
        """Return in a kubelet's words which ConfigMap or Secret that a pod needs is not there; empty when all are."""
        for kind, name, key in dict.fromkeys(_needed(spec)):
            plural = {"configmap": "configmaps", "secret": "secrets"}[kind]
            answer = self._api.request("GET", object_path(ServedKind(plural, True), "v1", namespace, name))
            if answer.status == 404:
                return f'{kind} "{name}" not found'
            if key and answer.ok and key not in {**answer.value.get("data", {}), **answer.value.get("binaryData", {})}:
                return f"couldn't find key {key} in {kind} {namespace}/{name}"
        return ""

    def _list(self, path: str) -> list[dict[str, Any]]:
        return list(self._api.request("GET", path).value.get("items", []))

    def _patch(self, path: str, status: dict[str, Any]) -> None:
        self._api.request("PATCH", f"{path}/status", {"status": status}, STRATEGIC)


def _needed(spec: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield kind, name and key (or nothing) of what a pod does not start without."""
    for container in (*spec.get("initContainers", ()), *spec.get("containers", ())):
        for entry in container.get("env", ()):
            source = entry.get("valueFrom", {})
            for kind, field in (("configmap", "configMapKeyRef"), ("secret", "secretKeyRef")):
                if field in source and not source[field].get("optional"):
                    yield kind, str(source[field]["name"]), str(source[field]["key"])
        for entry in container.get("envFrom", ()):
            for kind, field in (("configmap", "configMapRef"), ("secret", "secretRef")):
                if field in entry and not entry[field].get("optional"):
                    yield kind, str(entry[field]["name"]), ""
    for volume in spec.get("volumes", ()):
        for source in (volume, *volume.get("projected", {}).get("sources", ())):
            for kind, field, name in (("configmap", "configMap", "name"), ("secret", "secret", "secretName")):
                found = source.get(field)
                if found is not None and not found.get("optional"):
                    yield kind, str(found.get(name) or found.get("name")), ""


def _names(spec: dict[str, Any], field: str = "containers") -> list[tuple[str, str]]:
    return [(str(each["name"]), str(each.get("image", ""))) for each in spec.get(field, ())]


def _running(spec: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        "phase": "Running",
        "startTime": now(),
        "podIP": f"10.1.0.{number}",
        "podIPs": [{"ip": f"10.1.0.{number}"}],
        "conditions": [condition(kind) for kind in ("Initialized", "ContainersReady", "Ready")],
        "initContainerStatuses": [
            _container(name, image, {"terminated": {"exitCode": 0, "reason": "Completed"}}, ready=True)
            for name, image in _names(spec, "initContainers")
        ],
        "containerStatuses": [
            _container(name, image, {"running": {"startedAt": now()}}, ready=True) for name, image in _names(spec)
        ],
    }


def _pending(spec: dict[str, Any], missing: str, reason: str = "CreateContainerConfigError") -> dict[str, Any]:
    waiting = {"waiting": {"reason": reason, "message": missing}}
    return {
        "phase": "Pending",
        "startTime": now(),
        "conditions": [condition("Ready", False, "ContainersNotReady", missing)],
        "containerStatuses": [_container(name, image, waiting, ready=False) for name, image in _names(spec)],
    }


def _succeeded(spec: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    ended = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": status.get("startTime") or now()}}
    ended["terminated"]["finishedAt"] = now()
    return {
        "phase": "Succeeded",
        "conditions": [condition("Ready", False, "PodCompleted"), condition("ContainersReady", False, "PodCompleted")],
        "containerStatuses": [_container(name, image, ended, ready=False) for name, image in _names(spec)],
    }


def _container(name: str, image: str, state: dict[str, Any], *, ready: bool) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "imageID": "",
        "restartCount": 0,
        "ready": ready,
        "started": ready,
        "state": state,
    }
