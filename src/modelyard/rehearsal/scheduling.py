"""Pods of an environment, made and placed by the real controllers on nodes that are objects only."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.cluster import Environment, Thing
from modelyard.placement import Placement, cluster, placements
from modelyard.rehearsal.api import ServedKind, object_path
from modelyard.rehearsal.control_plane import ControlPlane, free_port, started
from modelyard.rehearsal.dry_run import KEPT, apply
from modelyard.rehearsal.instance_types import kwok_instance_types
from modelyard.tooling import require, write_whole

NODE_CLASS_GROUP, NODE_CLASS_VERSION, NODE_CLASS_KIND = "karpenter.kwok.sh", "v1alpha1", "KWOKNodeClass"
KARPENTER_KINDS = (
    ("karpenter.sh/v1", "NodePool"),
    ("karpenter.sh/v1", "NodeClaim"),
    ("karpenter.sh/v1alpha1", "NodeOverlay"),
    ("autoscaling.x-k8s.io/v1beta1", "CapacityBuffer"),
)

_READY_SECONDS = 60.0
_POLL_SECONDS = 0.5
_SETTLED_SECONDS = 30.0
_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"
_FIRST = ("PriorityClass", "StorageClass", "RuntimeClass", "NodePool", "ConfigMap", "Secret", "ServiceAccount")
_ANY = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One pod, and where it went.

    Attributes:
        namespace: Its namespace.
        name: Its name.
        placement: What `place` foretells for its workload; None where its workload is not known.
        node: Its node; empty while it has none.
        pool: NodePool of the node.
        instance_type: Type of the node.
        zone: Zone of the node.
        reasons: Why it has none, in the controllers' words.
    """

    namespace: str
    name: str
    placement: Placement | None = None
    node: str = ""
    pool: str = ""
    instance_type: str = ""
    zone: str = ""
    reasons: tuple[str, ...] = ()

    @property
    def difference(self) -> str:
        """Return how this is not what `place` foretells; empty where it is, or where nothing is foretold."""
        if self.placement is None or self.placement.unknown:
            return ""
        accepting = self.placement.accepting
        if not self.node:
            return f"place foretells a node of pool {accepting[0].pool}" if accepting else ""
        if not accepting:
            return "place foretells that no pool takes it"
        if self.pool not in {each.pool for each in accepting}:
            return f"place foretells a node of pool {accepting[0].pool}"
        return ""


def node_class_definition() -> dict[str, Any]:
    """Return a definition of the node class that Karpenter's KWOK provider asks for; nothing in it is looked at."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"kwoknodeclasses.{NODE_CLASS_GROUP}"},
        "spec": {
            "group": NODE_CLASS_GROUP,
            "names": {"kind": NODE_CLASS_KIND, "plural": "kwoknodeclasses"},
            "scope": "Cluster",
            "versions": [
                {
                    "name": NODE_CLASS_VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": _ANY, "status": _ANY}}},
                }
            ],
        },
    }


def schedule(
    plane: ControlPlane, view: Environment, stack: ExitStack, seconds: float, progress: Callable[[int, int], None]
) -> list[Scheduled]:
    """Make the environment's objects real and return where its pods go.

    Real are kube-controller-manager, kube-scheduler and Karpenter. Its KWOK provider makes nodes of the catalogue's
    instance types; a stand-in says that they are ready. EC2NodeClasses are replaced: nothing about AWS is looked at.

    Args:
        plane: A control plane that knows all definitions, and `node_class_definition`.
        view: The environment.
        stack: Holds the controllers; closing it kills them.
        seconds: How long to wait for pods at most.
        progress: Told how many pods have a node, and how many there are.

    Raises:
        Refusal: A program is missing or ended, or the node pools were not ready in time.
    """
    _start(plane, view, stack)
    served = plane.api.served()
    things = [thing for thing in view.resources if (thing.group, thing.kind) not in KEPT]
    _make_node_classes(plane, things)
    for thing in (each for each in things if each.kind in _FIRST):
        _make(plane, served, view, thing)
    pools = sum(1 for each in things if each.kind == "NodePool")
    _await_pools(plane, pools)
    for thing in (each for each in things if each.kind not in _FIRST):
        _make(plane, served, view, thing)
    return _watch(plane, placements(view), seconds, progress)


def _start(plane: ControlPlane, view: Environment, stack: ExitStack) -> None:
    folder = plane.folder.path
    config = folder / "kubeconfig"
    write_whole(config, json.dumps(plane.api.kubeconfig()), mode=0o600)
    types = folder / "instance-types.json"
    write_whole(types, json.dumps(kwok_instance_types(cluster(view))))
    ports = [f"--metrics-port={free_port()}", f"--health-probe-port={free_port()}"]
    alone = ["--leader-elect=false", "--secure-port=0"]
    programs: list[tuple[str, list[str], dict[str, str | None]]] = [
        ("kube-controller-manager", [f"--kubeconfig={config}", *alone], {}),
        ("kube-scheduler", [f"--kubeconfig={config}", *alone], {}),
        (
            "karpenter-kwok",
            [f"--instance-types-file-path={types}", "--disable-leader-election", *ports],
            {"KUBECONFIG": str(config), "SYSTEM_NAMESPACE": "kube-system"},
        ),
    ]
    for name, words, environment in programs:
        argv = [str(require(name).path), *words]
        plane.components.append(stack.enter_context(started(plane.folder, name, argv, environment)))


def _make_node_classes(plane: ControlPlane, things: list[Thing]) -> None:
    served = ServedKind("kwoknodeclasses", False)
    api_version = f"{NODE_CLASS_GROUP}/{NODE_CLASS_VERSION}"
    ready = {"type": "Ready", "status": "True", "reason": "StandIn", "message": "", "lastTransitionTime": _now()}
    for name in {str(each.get("spec.template.spec.nodeClassRef.name")) for each in things if each.kind == "NodePool"}:
        value = {"apiVersion": api_version, "kind": NODE_CLASS_KIND, "metadata": {"name": name}, "spec": {}}
        plane.api.request("POST", object_path(served, api_version, ""), value)
        path = object_path(served, api_version, "", name)
        plane.api.request("PATCH", f"{path}/status", {"status": {"conditions": [ready]}}, _MERGE)


def _make(plane: ControlPlane, served: dict[tuple[str, str], ServedKind], view: Environment, thing: Thing) -> None:
    kind = served.get((thing.identity.api_version, thing.kind))
    if kind is None:
        return  # the level before has said so
    value = thing.value
    if thing.kind == "NodePool":
        value = copy.deepcopy(value)
        reference = value["spec"]["template"]["spec"]["nodeClassRef"]
        reference.update({"group": NODE_CLASS_GROUP, "kind": NODE_CLASS_KIND})
    apply(plane.api, kind, view.namespace_of(thing) or "default", value, dry_run=False)


def _await_pools(plane: ControlPlane, count: int) -> None:
    """Wait until Karpenter has judged the pools: pods that come earlier are decided on without the others."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        found = plane.api.request("GET", "/apis/karpenter.sh/v1/nodepools").value.get("items", [])
        judged = [each for each in found if _condition(each, "Ready").get("status") in ("True", "False")]
        if len(judged) >= count:
            return
        plane.check()
        time.sleep(_POLL_SECONDS)


def _watch(
    plane: ControlPlane, foretold: tuple[Placement, ...], seconds: float, progress: Callable[[int, int], None]
) -> list[Scheduled]:
    deadline = time.monotonic() + seconds
    last = time.monotonic()
    placed = -1
    while True:
        nodes = _keep_ready(plane)
        pods = plane.api.request("GET", "/api/v1/pods").value.get("items", [])
        with_node = sum(1 for each in pods if each["spec"].get("nodeName"))
        progress(with_node, len(pods))
        if with_node != placed:
            placed, last = with_node, time.monotonic()
        now = time.monotonic()
        settled = now - last > _SETTLED_SECONDS or (pods and with_node == len(pods) and now - last > 1.0)
        if settled or now > deadline:
            return list(_scheduled(plane, pods, nodes, foretold))
        plane.check()
        time.sleep(_POLL_SECONDS)


def _keep_ready(plane: ControlPlane) -> dict[str, dict[str, Any]]:
    """Say of every node that it is ready, as its kubelet would, and return the nodes by name."""
    found = {each["metadata"]["name"]: each for each in plane.api.request("GET", "/api/v1/nodes").value["items"]}
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "StandIn",
        "message": "no kubelet runs here",
        "lastHeartbeatTime": _now(),
    }
    for name in found:
        path = object_path(ServedKind("nodes", False), "v1", "", name)
        plane.api.request("PATCH", f"{path}/status", {"status": {"conditions": [ready]}}, _STRATEGIC)
    return found


def _scheduled(
    plane: ControlPlane, pods: list[dict[str, Any]], nodes: dict[str, dict[str, Any]], foretold: tuple[Placement, ...]
) -> Iterator[Scheduled]:
    events = plane.api.request("GET", "/api/v1/events").value.get("items", [])
    for pod in pods:
        namespace, name = str(pod["metadata"]["namespace"]), str(pod["metadata"]["name"])
        node = str(pod["spec"].get("nodeName") or "")
        labels = nodes[node]["metadata"].get("labels", {}) if node in nodes else {}
        said = [
            str(event["message"])
            for event in events
            if event["involvedObject"].get("uid") == pod["metadata"]["uid"] and event["type"] == "Warning"
        ]
        yield Scheduled(
            namespace,
            name,
            _foretold(name, foretold),
            node,
            str(labels.get("karpenter.sh/nodepool", "")),
            str(labels.get("node.kubernetes.io/instance-type", "")),
            str(labels.get("topology.kubernetes.io/zone", "")),
            () if node else tuple(dict.fromkeys(reversed(said)))[:3],
        )


def _foretold(pod: str, foretold: tuple[Placement, ...]) -> Placement | None:
    """Return the placement of the workload whose name a pod's name begins with."""
    found = [each for each in foretold if pod.startswith(f"{each.workload.thing.name}-")]
    return max(found, key=lambda each: len(each.workload.thing.name), default=None)


def _condition(value: dict[str, Any], kind: str) -> dict[str, Any]:
    conditions = value.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each.get("type") == kind), {})


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def missing_programs() -> list[Path]:
    """Return where the controllers are; refuse when one is missing."""
    return [require(name).path for name in ("kube-controller-manager", "kube-scheduler", "karpenter-kwok")]
