"""What decides where pods go, in copies that stand beside each other on one server and know nothing of each other."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from modelyard.placement import cluster
from modelyard.rehearsal.instance_types import kwok_instance_types
from modelyard.view import NODE_CLASSES, Environment, Manifest, workload
from modelyard.view.pools import KARPENTER_GROUP
from tests.mutants.mutations import Family, Mutant

MARK = "modelyard.test/world"
"""Label of the nodes of one copy; its pods ask for them."""
_POOL = "karpenter.sh/nodepool"
_PART = "modelyard.test/part"
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "LeaderWorkerSet", "RayService", "RayCluster")
_OF_CLUSTER = ("PriorityClass", "StorageClass", "RuntimeClass", *NODE_CLASSES, "NodePool")
_OF_NAMESPACE = ("LimitRange", "ResourceQuota", "PersistentVolumeClaim")
_MADE_OF_TEMPLATES = frozenset({"LeaderWorkerSet", "RayService", "RayCluster"})
_NAMES_A_CLASS = {
    "priorityClassName": "PriorityClass",
    "storageClassName": "StorageClass",
    "runtimeClassName": "RuntimeClass",
}
# What of a field's path says that the scheduler, Karpenter, or admission of pods reads it.
_PLACES = re.compile(
    r"resources|nodeSelector|[aA]ffinity|tolerations|topologySpread|replicas|[pP]riorityClass|schedulerName"
    r"|untimeClass|schedulingGates|NodePool|NodeClass|LimitRange|ResourceQuota|StorageClass|PersistentVolumeClaim"
    r"|hostPort|hostNetwork|capabilities|hostPath|security\.kubernetes\.io/enforce|template\.metadata\.labels"
)

# A dry run shows them.
_OF_A_DRY_RUN = (Family.OTHER_TYPE, Family.MISSPELT_KEY)
_NOT_READ = (
    "values of ",
    "EC2NodeClass spec.",
    "NodeClass spec.",
    "terraform ",
    "ClusterRole ",
    "Role ",
    "Kustomization ",
)
_NO_PLACE = (" apiVersion", " kind", " description", ".description")

Value = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """One object of a copy.

    Attributes:
        namespace: Where it goes; empty for one of the cluster.
        value: The object, as the repository has it.
        pods: How many pods have to get a node; None for what makes none, or one for each node.
    """

    namespace: str
    value: Value
    pods: int | None = None

    @property
    def name(self) -> str:
        """Return its name."""
        return str(self.value.get("metadata", {}).get("name", ""))

    @property
    def kind(self) -> str:
        """Return its kind."""
        return str(self.value.get("kind", ""))


def is_about_places(mutant: Mutant) -> bool:
    """Return whether a mutant is of a field that decides where pods go, or whether they are made.

    Those are left out that are refused by type or name of a field, which a dry run shows, those of values of charts,
    and those of node classes, of which Karpenter's provider for nodes that are objects only reads nothing.
    """
    field = mutant.leaf.field
    if mutant.family in _OF_A_DRY_RUN or field.startswith(_NOT_READ) or field.endswith(_NO_PLACE):
        return False
    return _PLACES.search(field) is not None


def deciding(view: Environment) -> tuple[Made, ...]:
    """Return the objects of an environment that decide where its pods go: classes and pools before what makes pods."""
    found: list[Made] = []
    for kind in ("Namespace", *_OF_CLUSTER):
        found += [Made("", each.value) for each in view.of_kind(kind)]
    for kind in _OF_NAMESPACE:
        found += [Made(view.namespace_of(each) or "default", each.value) for each in view.of_kind(kind)]
    for kind in KINDS:
        for manifest in view.of_kind(kind):
            found += _making_pods(manifest, view.namespace_of(manifest) or "default")
    return tuple(found)


def _making_pods(manifest: Manifest, namespace: str) -> Iterator[Made]:
    if manifest.kind not in _MADE_OF_TEMPLATES:
        yield Made(namespace, manifest.value, _pods(manifest.value))
        return
    # Their operators make one pod after another; a Deployment of each template asks for the same places at once.
    known = workload(manifest)
    for number, template in enumerate(known.templates if known else ()):
        name = f"{manifest.name}-{number}"
        metadata = template.value.get("metadata") or {}
        labels = {**(metadata.get("labels") or {}), _PART: name}
        spec = {
            "replicas": 1,
            "selector": {"matchLabels": {_PART: name}},
            "template": {"metadata": {"labels": labels}, "spec": template.value.get("spec") or {}},
        }
        made = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
        yield Made(namespace, made, 1)


def _pods(value: Value) -> int | None:
    spec = value.get("spec") or {}
    if value.get("kind") == "DaemonSet" or not isinstance(spec, dict):
        return None
    count = spec.get("parallelism" if value.get("kind") == "Job" else "replicas", 1)
    return count if isinstance(count, int) and not isinstance(count, bool) else None


def without_what_is_as_before(changed: tuple[Made, ...], before: tuple[Made, ...]) -> tuple[Made, ...]:
    """Return what has to stand on a server to judge a change: none of the other pods where they alone are as before.

    Pods that are made for each node stay, since they take room there.
    """
    known = {orjson.dumps((each.namespace, each.value)) for each in before}
    new = [each for each in changed if orjson.dumps((each.namespace, each.value)) not in known]
    if len(changed) == len(before) and not new:
        return ()
    if len(changed) != len(before) or any(each.pods is None for each in new):
        return changed
    return tuple(each for each in changed if each.pods is None or each in new)


def apart(world: Iterable[Made], mark: str) -> list[Made]:
    """Return a copy of what decides, with names, namespaces, nodes and pools of its own.

    Args:
        world: The objects.
        mark: A short name, part of every other name.
    """
    world = list(world)
    of_cluster: dict[str, set[str]] = {}
    for each in world:
        if not each.namespace:
            of_cluster.setdefault(each.kind, set()).add(each.name)
    missing = {each.namespace for each in world if each.namespace} - of_cluster.get("Namespace", set())
    world += [
        Made("", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}) for name in sorted(missing)
    ]
    return [
        replace(each, value=_renamed(each, of_cluster, mark), namespace=_in(each.namespace, mark)) for each in world
    ]


def _in(namespace: str, mark: str) -> str:
    return f"{namespace}-{mark}" if namespace else ""


def _renamed(made: Made, of_cluster: dict[str, set[str]], mark: str) -> Value:
    value: Value = copy.deepcopy(made.value)
    metadata = value.setdefault("metadata", {})
    if made.namespace:
        metadata["namespace"] = _in(made.namespace, mark)
    else:
        metadata["name"] = f"{made.name}-{mark}"
    _rename_classes(value, of_cluster, mark)
    if made.kind in KINDS:
        _rename_pools(value, of_cluster.get("NodePool", set()), mark)
    if made.kind == "NodePool":
        _mark_pool(value, of_cluster, mark)
    spec = value.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    if made.kind in KINDS and isinstance(template, dict) and isinstance(template.get("spec"), dict):
        if made.kind == "StatefulSet":
            value["spec"]["podManagementPolicy"] = "Parallel"  # no kubelet says that the first one is ready
        chosen = template["spec"].setdefault("nodeSelector", {})
        if isinstance(chosen, dict):
            chosen[MARK] = mark
    return value


def _rename_classes(value: Any, of_cluster: dict[str, set[str]], mark: str) -> None:
    if isinstance(value, list):
        for each in value:
            _rename_classes(each, of_cluster, mark)
    elif isinstance(value, dict):
        for key, each in value.items():
            kind = _NAMES_A_CLASS.get(key)
            if kind is not None and isinstance(each, str) and each in of_cluster.get(kind, ()):
                value[key] = f"{each}-{mark}"
            else:
                _rename_classes(each, of_cluster, mark)


def _rename_pools(value: Any, pools: set[str], mark: str) -> None:
    """Let selectors and terms of affinities name the pools of their own copy."""
    if isinstance(value, list):
        for each in value:
            _rename_pools(each, pools, mark)
    elif isinstance(value, dict):
        if value.get("key") == _POOL and isinstance(value.get("values"), list):
            value["values"] = [f"{each}-{mark}" if each in pools else each for each in value["values"]]
        for key, each in value.items():
            if key == _POOL and isinstance(each, str) and each in pools:
                value[key] = f"{each}-{mark}"
            else:
                _rename_pools(each, pools, mark)


def _mark_pool(value: Value, of_cluster: dict[str, set[str]], mark: str) -> None:
    template = value.get("spec", {}).get("template", {})
    if not isinstance(template, dict):
        return
    metadata = template.setdefault("metadata", {})
    if isinstance(metadata, dict) and isinstance(metadata.setdefault("labels", {}), dict):
        metadata["labels"][MARK] = mark
    named = template.get("spec", {}).get("nodeClassRef")
    if isinstance(named, dict) and named.get("name") in of_cluster.get(str(named.get("kind")), ()):
        named["name"] = f"{named['name']}-{mark}"


def instance_types_of(views: Iterable[Environment]) -> list[Value]:
    """Return the instance types that pools of any of these environments may start, with every way to have them.

    Room on a type is that of the first environment.
    """
    found: dict[str, Value] = {}
    for view in views:
        for each in kwok_instance_types(cluster(view)):
            known = found.setdefault(each["name"], each)
            ways = [offering["Requirements"] for offering in known["offerings"]]
            known["offerings"] += [one for one in each["offerings"] if one["Requirements"] not in ways]
    return list(found.values())


def is_pool(made: Made) -> bool:
    """Return whether an object is a pool of Karpenter's."""
    return made.kind == "NodePool" and str(made.value.get("apiVersion", "")).startswith(KARPENTER_GROUP)
