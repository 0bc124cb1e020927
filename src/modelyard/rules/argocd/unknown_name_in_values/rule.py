"""Names in the values of charts that nothing in the environment has."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import CLASS_OF_EKS, ChartValues, Environment, texts_in

_CLASSES = {
    "storageClassName": ("StorageClass", "storage.k8s.io"),
    "storageClass": ("StorageClass", "storage.k8s.io"),
    "priorityClassName": ("PriorityClass", "scheduling.k8s.io"),
}
_NAMES_OF_SECRETS = ("existingSecret",)
_OF_KUBERNETES = frozenset({"system-cluster-critical", "system-node-critical"})
_NONE = frozenset({"", "-"})


@rule("argocd/unknown-name-in-values", error, since="0.3.0", absence="cluster")
def unknown_name_in_values(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Pods that use a class or Secret that does not exist are rejected, or stay Pending."""
    for values in environment.chart_values:
        if values.application.resources and not values.application.unrendered:
            continue  # what it renders is judged
        seen: set[Path] = set()
        for layer in reversed(values.layers):
            for path, value in texts_in(layer.content):
                if path not in seen:
                    seen.add(path)
                    yield from _judged(environment, values, path, value)


def _judged(environment: Environment, values: ChartValues, path: Path, value: str) -> Iterator[Finding | NotChecked]:
    name = str(path[-1])
    if value in _NONE or (name not in _CLASSES and name not in _NAMES_OF_SECRETS):
        return
    namespace = values.application.namespace
    if name in _NAMES_OF_SECRETS:
        kind, where = "Secret", f" in namespace {namespace}"
        known = {
            each.name
            for each in environment.secret_sources
            if each.everywhere or environment.namespace_of(each.manifest) == namespace
        }
        others = [each for each in environment.applications if each.namespace == namespace and each.unrendered]
        if value not in known and any(each is not values.application for each in others):
            yield NotChecked(values.application.manifest, f"another chart in {namespace} may create Secret {value}")
            return
    else:
        kind, group = _CLASSES[name]
        known, where = {each.name for each in environment.of_kind(kind, group)}, ""
        known |= _OF_KUBERNETES if kind == "PriorityClass" else set()
        if value == CLASS_OF_EKS and kind == "StorageClass":
            yield NotChecked(values.application.manifest, f"EKS may have created its StorageClass ({value})")
            return
        folder = _unrendered_folder(environment)
        if value not in known and folder:
            yield NotChecked(values.application.manifest, f"{folder} may create {kind} {value}")
            return
    if value in known:
        if kind == "Secret":
            yield from _keys(environment, values, path, value, namespace)
        return
    near = nearest(value, known)
    yield Finding(
        at=values.at(path),
        message=f"chart {values.source.chart} uses {kind} {value}, which does not exist in this environment{where}",
        fix=f"use {near or one_of(sorted(known))}" if known else f"create {kind} {value}, or remove the reference",
    )


def _keys(environment: Environment, values: ChartValues, path: Path, secret: str, namespace: str) -> Iterator[Finding]:
    """Yield keys that a chart reads of a Secret, such as `passwordKey` beside `existingSecret`, and that it lacks."""
    sources = [
        each
        for each in environment.secret_sources
        if each.name == secret and (each.everywhere or environment.namespace_of(each.manifest) == namespace)
    ]
    if any(each.keys is None for each in sources):
        return
    held = {key for each in sources for key in each.keys or ()}
    beside = values.get(path[:-1], {})
    for name, key in beside.items() if isinstance(beside, dict) else ():
        if str(name).endswith("Key") and isinstance(key, str) and key and key not in held:
            near = nearest(key, held)
            yield Finding(
                at=values.at((*path[:-1], str(name))),
                message=f"chart {values.source.chart} reads the key {key} of Secret {secret}, which does not have it",
                fix=f"write {near or one_of(sorted(held))}",
            )


def _unrendered_folder(environment: Environment) -> str:
    """Return a folder that is not rendered, such as one of another repository; charts seldom bring classes."""
    found = (each for each in environment.applications if not any(source.chart for source in each.sources))
    return next((each.unrendered for each in found if each.unrendered), "")
