"""Fields that the API server lets nobody change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.diffing.matching import Item
from modelyard.diffing.model import Hazard
from modelyard.diffing.values import equal
from modelyard.findings import Severity
from modelyard.rendering import MISSING, value_at, written
from modelyard.view import Manifest, quantity

# By API group and kind; from the validation of updates in Kubernetes 1.35, pkg/apis/*/validation/validation.go.
_FIELDS: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("apps", "Deployment"): (("spec", "selector"),),
    ("apps", "ReplicaSet"): (("spec", "selector"),),
    ("apps", "DaemonSet"): (("spec", "selector"),),
    ("batch", "Job"): (("spec", "selector"), ("spec", "template"), ("spec", "completionMode")),
    ("", "PersistentVolume"): (("spec", "csi"), ("spec", "volumeMode")),
    ("", "Secret"): (("type",),),
    ("storage.k8s.io", "StorageClass"): (
        ("provisioner",),
        ("parameters",),
        ("reclaimPolicy",),
        ("volumeBindingMode",),
    ),
    ("scheduling.k8s.io", "PriorityClass"): (("value",), ("preemptionPolicy",)),
    ("rbac.authorization.k8s.io", "RoleBinding"): (("roleRef",),),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): (("roleRef",),),
    ("node.k8s.io", "RuntimeClass"): (("handler",),),
    ("networking.k8s.io", "IngressClass"): (("spec", "controller"),),
    ("resource.k8s.io", "ResourceClaim"): (("spec",),),
    ("resource.k8s.io", "ResourceClaimTemplate"): (("spec",),),
    # Rules with oldSelf of the bundled definitions; of LeaderWorkerSets their webhook, pkg/webhooks of lws v0.10.0.
    ("gateway.networking.k8s.io", "GatewayClass"): (("spec", "controllerName"),),
    ("karpenter.sh", "NodePool"): (
        ("spec", "template", "spec", "nodeClassRef", "group"),
        ("spec", "template", "spec", "nodeClassRef", "kind"),
    ),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): (
        ("spec", "leaderWorkerTemplate", "subGroupPolicy", "subGroupSize"),
    ),
    ("ray.io", "RayCluster"): (("spec", "managedBy"),),
    ("ray.io", "RayJob"): (("spec", "managedBy"),),
    ("ray.io", "RayService"): (("spec", "managedBy"),),
    ("resource.nvidia.com", "ComputeDomain"): (("spec",),),
}
# What the API server puts where a manifest leaves the field out.
_DEFAULTS = {
    "type": "Opaque",
    "preemptionPolicy": "PreemptLowerPriority",
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "Immediate",
    "completionMode": "NonIndexed",
    "volumeMode": "Filesystem",
}
# The only fields of these specs that may change.
_CHANGEABLE: dict[tuple[str, str], frozenset[str]] = {
    ("apps", "StatefulSet"): frozenset(
        {
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        }
    ),
    ("", "PersistentVolumeClaim"): frozenset({"resources", "volumeAttributesClassName"}),
}


def immutable_fields(before: Item, after: Item) -> Iterator[Hazard]:
    """Yield what the API server will refuse to change."""
    if _is_replaced(after.manifest):
        return
    for path in _changed_paths(before, after):
        yield Hazard(
            "immutable",
            Severity.ERROR,
            f"{after.manifest.kind} {after.name}: {written(path)} cannot be changed, so the sync fails until the "
            "object is deleted",
        )
    if after.manifest.kind == "PersistentVolumeClaim":
        old, new = (quantity(item.manifest.get("spec.resources.requests.storage")) for item in (before, after))
        if old is not None and new is not None and new < old:
            yield Hazard(
                "immutable",
                Severity.ERROR,
                f"PersistentVolumeClaim {after.name}: a volume cannot shrink, so the sync fails "
                "until the claim is deleted",
            )


def _changed_paths(before: Item, after: Item) -> Iterator[tuple[str, ...]]:
    kind = (after.manifest.group, after.manifest.kind)
    for path in _FIELDS.get(kind, ()):
        if _differ(before.value, after.value, path):
            yield path
    if kind in _CHANGEABLE:
        specs = [item.manifest.mapping("spec") for item in (before, after)]
        for name in dict.fromkeys([*specs[0], *specs[1]]):
            if name not in _CHANGEABLE[kind] and _differ(before.value, after.value, ("spec", name)):
                yield ("spec", name)
    if kind == ("", "Service"):
        addresses = [item.manifest.get("spec.clusterIP", "") for item in (before, after)]
        # An address that the API server chose is not in the manifest; leaving it out keeps it.
        if addresses[0] != addresses[1] and (all(addresses) or "None" in addresses):
            yield ("spec", "clusterIP")
    if kind in (("", "ConfigMap"), ("", "Secret")) and before.manifest.get("immutable") is True and not after.hashed:
        for name in ("data", "binaryData", "stringData", "immutable"):
            if _differ(before.value, after.value, (name,)):
                yield (name,)


def _differ(before: dict[str, Any], after: dict[str, Any], path: tuple[str, ...]) -> bool:
    first, second = (_DEFAULTS.get(path[-1]) if value is MISSING else value for value in _both(before, after, path))
    return not equal(first, second)


def _both(before: dict[str, Any], after: dict[str, Any], path: tuple[str, ...]) -> tuple[Any, Any]:
    return value_at(before, path), value_at(after, path)


def _is_replaced(manifest: Manifest) -> bool:
    """Return whether Argo CD deletes and makes the object anew: a hook, or one that says so."""
    if "argocd.argoproj.io/hook" in manifest.annotations or "helm.sh/hook" in manifest.annotations:
        return True
    options = {option.strip() for option in manifest.annotations.get("argocd.argoproj.io/sync-options", "").split(",")}
    return {"Replace=true", "Force=true"} <= options
