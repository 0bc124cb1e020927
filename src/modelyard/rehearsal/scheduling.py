"""Pods of an environment, made and placed by the real controllers on nodes that are objects only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from modelyard.placement import Placement, placements
from modelyard.rehearsal import controllers, group_operators
from modelyard.rehearsal.api import ServedKind
from modelyard.rehearsal.control_plane import ControlPlane
from modelyard.rehearsal.dry_run import KEPT, apply
from modelyard.rehearsal.kubelets import Kubelets
from modelyard.rehearsal.operators import Operators
from modelyard.view import NODE_CLASSES, Environment, Manifest

_POLL_SECONDS = 0.5
_SETTLED_SECONDS = 30.0
_CALM_SECONDS = 1.0
# An operator makes the workers of a group once it has seen the leader.
_GROUP_SECONDS = 6.0
_LWS_INDEX = "leaderworkerset.sigs.k8s.io/worker-index"
_RAY_ROLE, _RAY_GROUP = "ray.io/node-type", "ray.io/group"
# Which workloads have pods that are owned by an object of a kind, itself or between.
_WORKLOADS_OF_OWNERS = {
    "ReplicaSet": ("Deployment",),
    "StatefulSet": ("StatefulSet", "LeaderWorkerSet"),
    "DaemonSet": ("DaemonSet",),
    "Job": ("Job", "CronJob"),
    "RayCluster": ("RayService", "RayCluster", "RayJob"),
}
FIRST = (
    "PriorityClass",
    "StorageClass",
    "RuntimeClass",
    *NODE_CLASSES,
    "NodePool",
    "ConfigMap",
    "Secret",
    "ServiceAccount",
)


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
        if self.placement.daemon:
            pools = self.placement.nodes_with_daemon
            return "place foretells none there" if self.pool and self.pool not in pools else ""
        accepting = self.placement.accepting
        if not self.node:
            return f"place foretells a node of pool {accepting[0].pool}" if accepting else ""
        if not accepting:
            return "place foretells that no pool takes it"
        if self.pool not in {each.pool for each in accepting}:
            return f"place foretells a node of pool {accepting[0].pool}"
        return ""


def schedule(
    plane: ControlPlane, view: Environment, stack: ExitStack, seconds: float, progress: Callable[[int, int], None]
) -> list[Scheduled]:
    """Make the environment's objects real and return where its pods go.

    Real are kube-controller-manager, kube-scheduler and Karpenter. Its KWOK provider makes nodes of the catalogue's
    instance types; a stand-in says that nodes and EC2NodeClasses are ready: nothing about AWS is looked at.

    Args:
        plane: A control plane that knows all definitions.
        view: The environment.
        stack: Holds the controllers; closing it kills them.
        seconds: How long to wait for pods at most.
        progress: Told how many pods have a node, and how many there are.

    Raises:
        UserError: A program is missing or ended, or the node pools were not ready in time.
    """
    controllers.start(plane, view, stack)
    served = plane.api.served()
    manifests = [manifest for manifest in view.resources if (manifest.group, manifest.kind) not in KEPT]
    operators = Operators(plane.api)
    for manifest in (each for each in manifests if each.kind in FIRST):
        make(plane, served, view, manifest)
    pools = sum(1 for each in manifests if each.kind == "NodePool")
    controllers.await_pools(plane, pools, operators.turn)
    groups = group_operators.start(plane, view, stack, operators.turn)
    for manifest in (each for each in manifests if each.kind not in FIRST):
        make(plane, served, view, manifest)
    return _watch(plane, placements(view), seconds, progress, _GROUP_SECONDS if groups else _CALM_SECONDS)


def make(plane: ControlPlane, served: dict[tuple[str, str], ServedKind], view: Environment, manifest: Manifest) -> None:
    """Make one object, should its kind be served."""
    kind = served.get((manifest.identity.api_version, manifest.kind))
    if kind is None:
        return  # the level before has said so
    apply(plane.api, kind, view.namespace_of(manifest) or "default", manifest.value, dry_run=False)


def _watch(
    plane: ControlPlane,
    foretold: tuple[Placement, ...],
    seconds: float,
    progress: Callable[[int, int], None],
    calm: float,
) -> list[Scheduled]:
    deadline = time.monotonic() + seconds
    last = time.monotonic()
    placed = -1
    kubelets = Kubelets(plane.api, run_pods=False)
    while True:
        nodes, pods = kubelets.turn()
        with_node = sum(1 for each in pods if each["spec"].get("nodeName"))
        progress(with_node, len(pods))
        if with_node != placed:
            placed, last = with_node, time.monotonic()
        now = time.monotonic()
        settled = now - last > _SETTLED_SECONDS or (pods and with_node == len(pods) and now - last > calm)
        if settled or now > deadline:
            return list(scheduled(plane, pods, nodes, foretold))
        plane.check()
        time.sleep(_POLL_SECONDS)


def scheduled(
    plane: ControlPlane, pods: list[dict[str, Any]], nodes: dict[str, dict[str, Any]], foretold: tuple[Placement, ...]
) -> Iterator[Scheduled]:
    """Yield where each pod is, what was foretold for it, and why it has no node should it have none."""
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
            foretold_of(pod["metadata"], foretold),
            node,
            str(labels.get("karpenter.sh/nodepool", "")),
            str(labels.get("node.kubernetes.io/instance-type", "")),
            str(labels.get("topology.kubernetes.io/zone", "")),
            () if node else tuple(dict.fromkeys(reversed(said)))[:3],
        )


def foretold_of(pod: dict[str, Any], foretold: tuple[Placement, ...]) -> Placement | None:
    """Return the placement of the workload that made a pod, and of the pod's part in its group.

    Several workloads may have one name, as a model and what fetches its image have: the pod's owner says which it is.
    """
    kinds = {kind for each in pod.get("ownerReferences", ()) for kind in _WORKLOADS_OF_OWNERS.get(each["kind"], ())}
    found = [each for each in foretold if str(pod["name"]).startswith(f"{each.workload.manifest.name}-")]
    found = [each for each in found if not kinds or each.workload.manifest.kind in kinds]
    longest = max((len(each.workload.manifest.name) for each in found), default=0)
    found = [each for each in found if len(each.workload.manifest.name) == longest]
    own = [each for each in found if _is_part(pod.get("labels", {}), each)]
    return next(iter(own or found), None)


def _is_part(labels: dict[str, str], placement: Placement) -> bool:
    """Return whether a pod with these labels is made from this template of a LeaderWorkerSet or a Ray cluster."""
    path = placement.template.path
    if "workerGroupSpecs" in path:
        group = placement.workload.manifest.get(path[:-1], {})
        return bool(labels.get(_RAY_GROUP) == group.get("groupName"))
    if "headGroupSpec" in path:
        return labels.get(_RAY_ROLE) == "head"
    if path and path[-1] == "leaderTemplate":
        return labels.get(_LWS_INDEX) == "0"
    return labels.get(_LWS_INDEX) != "0" or len(placement.workload.templates) == 1
