"""Nodes of launched machines: what a kubelet would register, made of the machine's own user data."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import yaml

from modelyard.rehearsal.api import Api, object_path
from modelyard.rehearsal.kubelets import NODES, condition, now

_ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
_ADMITTED = "EC2_LINUX"
_PART = re.compile(r"(?ms)^Content-Type: application/node\.eks\.aws\s*\n\s*\n(?P<content>.*?)(?=^--|\Z)")


class Registrar:
    """Stands in for the kubelets of new machines, which register themselves.

    Args:
        api: The API server.
        cluster: Name of the cluster that they should join.

    Attributes:
        refused: Why a machine does not join, by its id.
        types: Types of the machines that joined, by name of the node.
    """

    def __init__(self, api: Api, cluster: str) -> None:
        self._api = api
        self._cluster = cluster
        self._joined: set[str] = set()
        self.refused: dict[str, str] = {}
        self.types: dict[str, str] = {}

    def turn(self, machines: list[dict[str, Any]]) -> None:
        """Register the machines that are new."""
        new = [each for each in machines if each["id"] not in self._joined]
        if not new:
            return
        claims = {
            str(each["status"]["providerID"]).rpartition("/")[2]: each
            for each in self._api.request("GET", "/apis/karpenter.sh/v1/nodeclaims").value.get("items", [])
            if each.get("status", {}).get("providerID")
        }
        for machine in new:
            if machine["id"] in claims and not self._refusal(machine):
                self._register(machine, claims[machine["id"]])

    def _refusal(self, machine: Mapping[str, Any]) -> str:
        """Return why the cluster would not take a machine; empty where it would."""
        role, asked = machine["role"], bootstrap(machine["user_data"])
        why = ""
        if asked["cluster"] != self._cluster:
            why = f"its user data names cluster {asked['cluster'] or 'none'}, and this is {self._cluster}"
        elif not role:
            why = "it has no instance profile with a role"
        elif machine["admitted"].get(self._cluster) != _ADMITTED:
            why = f"cluster {self._cluster} has no access entry of type {_ADMITTED} for its role {role}"
        if why:
            self.refused[machine["id"]] = why
        return why

    def _register(self, machine: Mapping[str, Any], claim: Mapping[str, Any]) -> None:
        asked = bootstrap(machine["user_data"])
        name, region = str(machine["name"]), str(machine["zone"])[:-1]
        labels = {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": _ARCHITECTURES[machine["architecture"]],
            "node.kubernetes.io/instance-type": machine["type"],
            "topology.kubernetes.io/zone": machine["zone"],
            "topology.kubernetes.io/region": region,
            **asked["labels"],
        }
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "spec": {"providerID": f"aws:///{machine['zone']}/{machine['id']}", "taints": asked["taints"]},
        }
        made = self._api.request("POST", object_path(NODES, "v1", ""), node)
        if not made.ok and made.status != 409:
            self.refused[machine["id"]] = f"the API server refuses its node: {made.message}"
            return
        ready = {**condition("Ready", message="no kubelet runs here"), "lastHeartbeatTime": now()}
        status = {
            # Karpenter's own idea of the machine; device plugins would say the same of devices.
            "capacity": claim["status"].get("capacity", {}),
            "allocatable": claim["status"].get("allocatable", {}),
            "addresses": [{"type": "InternalIP", "address": machine["address"]}, {"type": "Hostname", "address": name}],
            "conditions": [ready],
        }
        path = f"{object_path(NODES, 'v1', '', name)}/status"
        self._api.request("PATCH", path, {"status": status}, "application/merge-patch+json")
        self._joined.add(machine["id"])
        self.types[name] = machine["type"]
        self.refused.pop(machine["id"], None)


def bootstrap(user_data: str) -> dict[str, Any]:
    """Return what user data tell a node: `cluster`, `labels` and `taints`.

    Bottlerocket takes TOML, Amazon Linux 2023 a NodeConfig in a part of a MIME archive; of others nothing is known.
    """
    parts = [each["content"] for each in _PART.finditer(user_data)]
    try:
        return (
            _of_node_configs([yaml.safe_load(each)["spec"] for each in parts]) if parts else _of_bottlerocket(user_data)
        )
    except (ValueError, LookupError, yaml.YAMLError, AttributeError, TypeError):
        return {"cluster": "", "labels": {}, "taints": []}


def _of_bottlerocket(text: str) -> dict[str, Any]:
    told = tomllib.loads(text).get("settings", {}).get("kubernetes", {})
    taints = [
        {"key": key, "value": value.partition(":")[0], "effect": value.partition(":")[2]}
        for key, values in told.get("node-taints", {}).items()
        for value in values
    ]
    return {"cluster": str(told.get("cluster-name", "")), "labels": dict(told.get("node-labels", {})), "taints": taints}


def _of_node_configs(specs: list[dict[str, Any]]) -> dict[str, Any]:
    """Read NodeConfigs as nodeadm does: those of a user's own data first, Karpenter's last, all of them merged."""
    found: dict[str, Any] = {"cluster": "", "labels": {}, "taints": []}
    for spec in specs:
        kubelet = spec.get("kubelet", {})
        found["cluster"] = str(spec.get("cluster", {}).get("name", found["cluster"]))
        found["taints"] += kubelet.get("config", {}).get("registerWithTaints", ())
        for flag in kubelet.get("flags", ()):
            name, _, value = str(flag).partition("=")
            if name == "--node-labels":
                pairs = (each.partition("=") for each in value.strip('"').split(",") if each)
                found["labels"].update({key: label for key, _, label in pairs})
    return found
