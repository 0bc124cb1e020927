"""Statuses that operators would set, set by a stand-in where an operator or its cloud cannot be had."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from modelyard.rehearsal.absences import Absence
from modelyard.rehearsal.api import Api, ServedKind, object_path
from modelyard.rehearsal.kubelets import condition

_MERGE = "application/merge-patch+json"
Value = dict[str, Any]


def _ready(*kinds: str) -> Callable[[Value], Value]:
    """Return a stand-in that sets conditions to true."""

    def status(value: Value) -> Value:
        generation = value["metadata"].get("generation", 1)
        return {"conditions": [{**condition(kind), "observedGeneration": generation} for kind in kinds]}

    return status


def _plainly_ready(*kinds: str) -> Callable[[Value], Value]:
    """Return the like for conditions that have no generation of their own."""
    return lambda value: {"conditions": [condition(kind) for kind in kinds]}


def _scaled_object(value: Value) -> Value:
    conditions = [condition("Ready"), condition("Active", False), condition("Fallback", False)]
    return {"conditions": [*conditions, condition("Paused", False)]}


def _leader_worker_set(value: Value) -> Value:
    groups = value["spec"].get("replicas", 1)
    return {
        "conditions": [condition("Available"), condition("Progressing", False)],
        "observedGeneration": value["metadata"]["generation"],
        **dict.fromkeys(("replicas", "readyReplicas", "updatedReplicas"), groups),
    }


def _ray_service(value: Value) -> Value:
    return {
        "conditions": [condition("Ready"), condition("UpgradeInProgress", False)],
        "observedGeneration": value["metadata"]["generation"],
        "serviceStatus": "Running",
    }


def _with_address(value: Value) -> Value:
    return {"loadBalancer": {"ingress": [{"hostname": "stand-in.elb.amazonaws.com"}]}}


def _gateway(value: Value) -> Value:
    generation = value["metadata"].get("generation", 1)
    conditions = [{**condition(kind), "observedGeneration": generation} for kind in ("Accepted", "Programmed")]
    return {"conditions": conditions, "addresses": [{"type": "Hostname", "value": "stand-in.elb.amazonaws.com"}]}


def _route(value: Value) -> Value:
    generation = value["metadata"].get("generation", 1)
    conditions = [{**condition(kind), "observedGeneration": generation} for kind in ("Accepted", "ResolvedRefs")]
    return {
        "parents": [
            {"parentRef": parent, "controllerName": "modelyard.dev/stand-in", "conditions": conditions}
            for parent in value["spec"].get("parentRefs", [])
        ]
    }


@dataclass(frozen=True, slots=True)
class StandIn:
    """Who would set the statuses of a kind, and what is set in place of that.

    Attributes:
        operator: The program that is not here.
        status: Makes the status of an object.
        concerns: Whether an object is the operator's.
    """

    operator: str
    status: Callable[[Value], Value]
    concerns: Callable[[Value], bool] = lambda value: True


# What the operators themselves set, as far as Argo CD's health checks and other controllers look at it.
STAND_INS: dict[tuple[str, str], StandIn] = {
    ("karpenter.k8s.aws", "EC2NodeClass"): StandIn("Karpenter's AWS provider", _ready("Ready")),
    ("eks.amazonaws.com", "NodeClass"): StandIn("EKS Auto Mode's node classes", _ready("Ready")),
    ("external-secrets.io", "SecretStore"): StandIn("External Secrets", _plainly_ready("Ready")),
    ("external-secrets.io", "ClusterSecretStore"): StandIn("External Secrets", _plainly_ready("Ready")),
    ("external-secrets.io", "ExternalSecret"): StandIn("External Secrets", _plainly_ready("Ready")),
    ("keda.sh", "ScaledObject"): StandIn("KEDA", _scaled_object),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): StandIn("LeaderWorkerSet", _leader_worker_set),
    ("ray.io", "RayService"): StandIn("KubeRay", _ray_service),
    ("ray.io", "RayCluster"): StandIn("KubeRay", lambda value: {"state": "ready"}),
    ("resource.nvidia.com", "ComputeDomain"): StandIn("NVIDIA's DRA driver", lambda value: {"status": "Ready"}),
    ("model.aibrix.ai", "ModelAdapter"): StandIn("AIBrix", lambda value: {"phase": "Running"}),
    ("autoscaling.aibrix.ai", "PodAutoscaler"): StandIn("AIBrix", _plainly_ready("AbleToScale")),
    ("cert-manager.io", "Certificate"): StandIn("cert-manager", _ready("Ready")),
    ("", "Service"): StandIn(
        "the load balancer controller", _with_address, lambda value: value["spec"].get("type") == "LoadBalancer"
    ),
    ("networking.k8s.io", "Ingress"): StandIn("the load balancer controller", _with_address),
    ("gateway.networking.k8s.io", "GatewayClass"): StandIn("the gateway's controller", _ready("Accepted")),
    ("gateway.networking.k8s.io", "Gateway"): StandIn("the gateway's controller", _gateway),
    ("gateway.networking.k8s.io", "HTTPRoute"): StandIn("the gateway's controller", _route),
}


class Operators:
    """Sets the statuses of custom resources, and makes the Secrets and volumes that would come from AWS.

    Args:
        api: The server.
        real: Groups and kinds whose operators run, so that nobody stands in for them.
        absence: What is missing.

    Attributes:
        absence: What is missing; None from when it is there.
        stood_in: Operators for which something was set, in order.
        refused: Objects to which no was said, as `Kind namespace/name`, in order.
    """

    def __init__(self, api: Api, real: Iterable[tuple[str, str]] = (), absence: Absence | None = None) -> None:
        self._api = api
        self._stand_ins = {key: each for key, each in STAND_INS.items() if key not in set(real)}
        self._told: dict[str, tuple[int, bool]] = {}
        self.absence = absence
        self.stood_in: dict[str, None] = {}
        self.refused: dict[str, None] = {}

    def turn(self) -> None:
        """Bring all statuses up to date once."""
        for (api_version, kind), served in self._api.served().items():
            stand_in = self._stand_ins.get((api_version.rpartition("/")[0], kind))
            if stand_in is None:
                continue
            for value in self._list(api_version, served):
                if stand_in.concerns(value):
                    self._set(api_version, kind, served, value, stand_in)
        if self.absence is None or not self.absence.volumes:
            self._bind_volumes()

    def _set(self, api_version: str, kind: str, served: ServedKind, value: Value, stand_in: StandIn) -> None:
        metadata = value["metadata"]
        no = self.absence.says_no((api_version.rpartition("/")[0], kind), value) if self.absence else None
        told = (metadata.get("generation", 1), no is None)
        if self._told.get(metadata["uid"]) == told or metadata.get("deletionTimestamp"):
            return
        if no is not None:
            self.refused[f"{kind} {metadata.get('namespace', '')}/{metadata['name']}"] = None
        elif kind == "ExternalSecret":
            self._make_secret(value)
        status = stand_in.status if no is None else no.status
        if status is None:
            self._told[metadata["uid"]] = told
            return
        path = object_path(served, api_version, metadata.get("namespace", ""), metadata["name"])
        if self._api.request("PATCH", f"{path}/status", {"status": status(value)}, _MERGE).ok:
            self._told[metadata["uid"]] = told
            self.stood_in[stand_in.operator] = None

    def _make_secret(self, value: Value) -> None:
        """Make the Secret of an ExternalSecret, with its keys and no secrets."""
        metadata, spec = value["metadata"], value["spec"]
        target = spec.get("target", {})
        keys = [str(each["secretKey"]) for each in spec.get("data", ())]
        keys += [str(key) for key in target.get("template", {}).get("data", {})]
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": target.get("name") or metadata["name"],
                "namespace": metadata["namespace"],
                "ownerReferences": [
                    {**{key: value[key] for key in ("apiVersion", "kind")}, "name": metadata["name"]}
                    | {"uid": metadata["uid"], "controller": True}
                ],
            },
            "data": {key: base64.b64encode(b"stand-in").decode() for key in keys},
        }
        self._api.request("POST", object_path(ServedKind("secrets", True), "v1", metadata["namespace"]), secret)

    def _bind_volumes(self) -> None:
        """Provide the volume of every claim that waits for one, as a CSI driver's provisioner would."""
        claims = self._list("v1", ServedKind("persistentvolumeclaims", True))
        for claim in claims:
            metadata, spec = claim["metadata"], claim["spec"]
            annotations = metadata.get("annotations", {})
            waits = "volume.kubernetes.io/storage-provisioner" in annotations
            if claim.get("status", {}).get("phase") != "Pending" or spec.get("volumeName") or not waits:
                continue
            volume = {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {
                    "name": f"pvc-{metadata['uid']}",
                    "annotations": {
                        "pv.kubernetes.io/provisioned-by": annotations["volume.kubernetes.io/storage-provisioner"]
                    },
                },
                "spec": {
                    "capacity": {"storage": spec["resources"]["requests"]["storage"]},
                    "accessModes": spec["accessModes"],
                    "volumeMode": spec.get("volumeMode", "Filesystem"),
                    "storageClassName": spec.get("storageClassName", ""),
                    "persistentVolumeReclaimPolicy": "Delete",
                    "claimRef": {key: metadata[key] for key in ("name", "namespace", "uid")}
                    | {"apiVersion": "v1", "kind": "PersistentVolumeClaim"},
                    "csi": {
                        "driver": annotations["volume.kubernetes.io/storage-provisioner"],
                        "volumeHandle": str(metadata["uid"]),
                    },
                },
            }
            path = object_path(ServedKind("persistentvolumes", False), "v1", "")
            if self._api.request("POST", path, volume).ok:
                self.stood_in["CSI drivers"] = None

    def _list(self, api_version: str, served: ServedKind) -> list[Value]:
        base = object_path(ServedKind(served.plural, False), api_version, "")
        return list(self._api.request("GET", base).value.get("items", []))
