"""The values of charts: which objects they name, by the keys that charts hand on to pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.graph.edges import Definition, End, ObjectRef, Reference
from modelyard.graph.extractors.context import Context
from modelyard.rendering import Path
from modelyard.view.environment import Environment
from modelyard.view.shapes import mapping, text
from modelyard.view.values import ChartValues

# Keys as Kubernetes spells them in pods and claims, and those by which charts take what is there already.
_NAMES = {
    "configMapName": ("ConfigMap", True),
    "existingClaim": ("PersistentVolumeClaim", True),
    "existingConfigMap": ("ConfigMap", True),
    "existingSecret": ("Secret", True),
    "priorityClassName": ("PriorityClass", False),
    "runtimeClassName": ("RuntimeClass", False),
    "secretName": ("Secret", True),
    "storageClassName": ("StorageClass", False),
}
"""By the key, the kind, and whether it has a namespace."""


def charts(environment: Environment, context: Context) -> Iterator[Definition | Reference]:
    """Yield what each chart's values name, and the service accounts that they have it make."""
    for values in environment.chart_values:
        source = ObjectRef("chart values", values.source.chart, values.application.name)
        seen: set[Path] = set()
        for layer in reversed(values.layers):
            yield from _named(values, source, context, dict(layer.content), (), seen)


def _named(
    values: ChartValues, source: ObjectRef, context: Context, content: dict[str, Any], path: Path, seen: set[Path]
) -> Iterator[Definition | Reference]:
    namespace = values.application.namespace
    for key, value in content.items():
        at = (*path, str(key))
        if key == "serviceAccount" and isinstance(value, dict) and at not in seen:
            seen.add(at)
            yield from _account(values, source, namespace, at)
        elif isinstance(value, dict):
            yield from _named(values, source, context, value, at, seen)
        elif key in _NAMES and isinstance(value, str) and value and at not in seen:
            seen.add(at)  # what a later file sets stands over what an earlier one does
            kind, namespaced = _NAMES[key]
            node = ObjectRef(kind, value, namespace if namespaced else "")
            elsewhere = "" if namespaced else context.elsewhere("")
            yield Reference("names", End(source, values, at), node, elsewhere=elsewhere)


def _account(values: ChartValues, source: ObjectRef, namespace: str, at: Path) -> Iterator[Definition | Reference]:
    effective = {field: values.get((*at, field)) for field in ("create", "name")}
    name = text(effective, "name")
    if not name:
        return
    node = ObjectRef("ServiceAccount", name, namespace)
    if effective["create"] is False:
        yield Reference("runs as", End(source, values, (*at, "name")), node)
    elif values.application.unrendered.startswith("chart ") or not mapping(effective):
        yield Definition(End(node, values, (*at, "name")))
