"""Consequences of a change that its diff does not show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelyard.diffing.matching import Item
from modelyard.diffing.model import Hazard
from modelyard.diffing.scaling import replicas
from modelyard.diffing.values import equal
from modelyard.findings import Severity
from modelyard.view import NODE_CLASSES, Application, Manifest, Workload
from modelyard.view.shapes import entries, listed, text

FINALIZER = "resources-finalizer.argocd.argoproj.io"
_OPTIONS = "argocd.argoproj.io/sync-options"

# What is lost with an object of these kinds, besides the object.
_LOSSES = {
    "PersistentVolumeClaim": "with the data on its volume, unless the volume is retained",
    "PersistentVolume": "and the volume, unless it is retained",
    "Namespace": "with everything in it",
    "CustomResourceDefinition": "with every object of its kind",
    "NodePool": "and Karpenter drains its nodes",
    **dict.fromkeys(NODE_CLASSES, "and no node of it can be started"),
}


def application_removed(application: Application) -> Hazard:
    """Return what becomes of the objects of an Application that vanishes."""
    count = len(application.resources)
    if FINALIZER in listed(application.manifest.value, "metadata", "finalizers"):
        objects = f"its {count} objects" if count else "its objects"
        return Hazard("deletion", Severity.WARNING, f"Argo CD deletes Application {application.name} with {objects}")
    return Hazard(
        "deletion",
        Severity.WARNING,
        f"Argo CD deletes Application {application.name} and leaves its objects in the cluster: it has no finalizer",
    )


def resource_removed(item: Item, application: Application, *, pruned: bool = True) -> Iterator[Hazard]:
    """Yield what the removal of one resource means.

    Args:
        item: The resource.
        application: The Application that held it.
        pruned: Whether it leaves an Application that stays; False when the whole Application goes.
    """
    options = {option.strip() for option in item.manifest.annotations.get(_OPTIONS, "").split(",")}
    loss = _LOSSES.get(item.manifest.kind)
    name = f"{item.manifest.kind} {item.name}"
    word = "Prune" if pruned else "Delete"
    if f"{word}=false" in options:
        yield Hazard("deletion", Severity.NOTE, f"{name} leaves the repository and stays in the cluster ({word}=false)")
    elif f"{word}=confirm" in options:
        message = f"{name} waits for somebody to confirm its deletion in Argo CD, and goes then"
        yield Hazard("deletion", Severity.WARNING, f"{message} {loss}" if loss else message)
    elif pruned and not application.manifest.get("spec.syncPolicy.automated.prune"):
        yield Hazard("deletion", Severity.NOTE, f"{name} leaves the repository and stays until somebody prunes it")
    elif loss:
        yield Hazard("deletion", Severity.WARNING, f"{name} is deleted {loss}")


def scaling(old: Workload, new: Workload, before: Sequence[Manifest], after: Sequence[Manifest]) -> Iterator[Hazard]:
    """Yield when a number of replicas falls because nothing scales the workload any more."""
    first, second = replicas(old, before), replicas(new, after)
    if first.scaler and not second.scaler:
        if second.written:
            message = f"{new.manifest} falls to {second.least} replica{'' if second.least == 1 else 's'}"
        else:
            message = (
                f"nothing sets the replicas of {new.manifest} any more: they stay as {first.scaler} leaves them, and "
                "a new object starts with 1"
            )
        yield Hazard("replicas", Severity.WARNING, f"{message}: {first.scaler} scaled it from {first} and goes")
    elif second.least == 0 and first.least not in (0, None) and not second.scaler:
        yield Hazard("replicas", Severity.WARNING, f"{new.manifest} is scaled to 0 and serves nothing")


def drift(before: Item, after: Item) -> Iterator[Hazard]:
    """Yield when Karpenter replaces nodes because what they were made from changed."""
    manifest = after.manifest
    if manifest.kind == "NodePool" and manifest.group == "karpenter.sh":
        if not equal(before.manifest.get("spec.template"), manifest.get("spec.template")):
            yield Hazard(
                "drift",
                Severity.NOTE,
                f"NodePool {after.name}: Karpenter replaces nodes that match its template no more, as budgets allow",
            )
    elif NODE_CLASSES.get(manifest.kind) == manifest.group and not equal(
        before.manifest.get("spec"), manifest.get("spec")
    ):
        yield Hazard(
            "drift",
            Severity.NOTE,
            f"{manifest.kind} {after.name}: Karpenter replaces its nodes as their pools' budgets allow",
        )


def stale_settings(
    before: dict[str, Item], after: dict[str, Item], restarted: set[str], workloads: Sequence[Workload]
) -> Iterator[Hazard]:
    """Yield when pods keep what they read at their start from a ConfigMap or Secret that changes under them.

    Args:
        before: ConfigMaps and Secrets without a hash in their name on the base side, by kind and name.
        after: The same on the head side.
        restarted: Workloads whose pods are replaced anyway.
        workloads: Workloads on the head side.
    """
    for key, item in after.items():
        old = before.get(key)
        if old is None or equal(_content(old), _content(item)):
            continue
        for workload in workloads:
            if str(workload.manifest) not in restarted and item.manifest.name in _read_at_start(
                workload, item.manifest.kind
            ):
                yield Hazard(
                    "stale",
                    Severity.WARNING,
                    f"{item.manifest.kind} {item.name} changes, and the running pods of {workload.manifest} keep what "
                    "they read at their start",
                )


def _content(item: Item) -> dict[str, object]:
    return {key: item.value.get(key) for key in ("data", "binaryData", "stringData")}


def _read_at_start(workload: Workload, kind: str) -> set[str]:
    """Return the ConfigMaps or Secrets that containers get as environment variables or mount."""
    names: set[str] = set()
    reference, from_all, volume, key = (
        ("configMapKeyRef", "configMapRef", "configMap", "name")
        if kind == "ConfigMap"
        else ("secretKeyRef", "secretRef", "secret", "secretName")
    )
    for template in workload.templates:
        names |= {text(entry, volume, key) for entry in entries(template.spec, "volumes")}
        for container in template.containers:
            names |= {text(each, "valueFrom", reference, "name") for each in entries(container.value, "env")}
            names |= {text(each, from_all, "name") for each in entries(container.value, "envFrom")}
    return names - {""}
