"""Label selectors, by the rules of Kubernetes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelyard.cluster.shapes import entries, listed, mapping

OPERATOR_LABELS = (
    "apps.kubernetes.io/",
    "statefulset.kubernetes.io/",
    "batch.kubernetes.io/",
    "job-name",
    "controller-revision-hash",
    "pod-template-hash",
    "leaderworkerset.sigs.k8s.io/",
    "ray.io/",
)
"""Beginnings of labels that controllers put on pods, which no manifest shows."""


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, Any]) -> bool:
    """Return whether a label selector chooses an object; an absent one chooses nothing, an empty one everything."""
    if selector is None:
        return False
    wanted = mapping(selector, "matchLabels")
    if any(str(labels.get(key)) != str(value) or key not in labels for key, value in wanted.items()):
        return False
    return all(_holds(each, labels) for each in entries(selector, "matchExpressions"))


def _holds(expression: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, operator = str(expression.get("key", "")), expression.get("operator")
    values = {str(value) for value in listed(expression, "values")}
    if operator == "In":
        return key in labels and str(labels[key]) in values
    if operator == "NotIn":
        return key not in labels or str(labels[key]) not in values
    return (key in labels) == (operator == "Exists")


def written_labels(selector: Mapping[str, Any]) -> str:
    """Return labels as people write them on a command line: `app=x,tier=y`."""
    return ",".join(f"{key}={value}" for key, value in selector.items())


def set_by_manifests(labels: Mapping[str, Any]) -> dict[str, Any]:
    """Return the labels without those that controllers put on pods."""
    return {key: value for key, value in labels.items() if not key.startswith(OPERATOR_LABELS)}


def differing(wanted: Mapping[str, Any], candidates: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the labels in which the closest candidate differs from the wanted ones; None stands for an absent one."""
    closest = max(candidates, key=lambda labels: sum(labels.get(k) == v for k, v in wanted.items()), default=None)
    if closest is None:
        return {}
    return {key: closest.get(key) for key, value in wanted.items() if closest.get(key) != value}
