"""Label selectors, by the rules of Kubernetes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from modelyard.view.shapes import entries, listed, mapping, text

T = TypeVar("T")

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


class LabelIndex(Generic[T]):
    """Things with labels, of which selectors choose: a choice costs what its rarest label has, not what there is."""

    def __init__(self) -> None:
        self._entries: list[tuple[Mapping[str, Any], T]] = []
        self._carriers: dict[tuple[str, str], list[int]] = defaultdict(list)

    def add(self, labels: Mapping[str, Any], item: T) -> None:
        """Take up one more."""
        for key, value in labels.items():
            self._carriers[key, str(value)].append(len(self._entries))
        self._entries.append((labels, item))

    def chosen(self, selector: Mapping[str, Any] | None) -> Iterator[T]:
        """Yield what a selector chooses, in the order in which they were added."""
        wanted = mapping(selector, "matchLabels")
        carried = [self._carriers.get((key, str(value)), []) for key, value in wanted.items()]
        positions: Sequence[int] = range(len(self._entries))
        for each in carried:
            positions = each if len(each) < len(positions) else positions
        return (item for labels, item in map(self._entries.__getitem__, positions) if selects(selector, labels))

    @property
    def labels(self) -> Iterator[Mapping[str, Any]]:
        """Return the labels of each."""
        return (labels for labels, _ in self._entries)

    def __iter__(self) -> Iterator[T]:
        return (item for _, item in self._entries)


def written_labels(selector: Mapping[str, Any]) -> str:
    """Return labels as people write them on a command line: `app=x,tier=y`."""
    return ",".join(f"{key}={value}" for key, value in selector.items())


def set_by_manifests(labels: Mapping[str, Any]) -> dict[str, Any]:
    """Return the labels without those that controllers put on pods."""
    return {key: value for key, value in labels.items() if not key.startswith(OPERATOR_LABELS)}


def selector_set_by_manifests(selector: Mapping[str, Any]) -> dict[str, Any]:
    """Return a selector without its demands on labels that controllers put on pods."""
    return {
        "matchLabels": set_by_manifests(mapping(selector, "matchLabels")),
        "matchExpressions": [
            expression
            for expression in entries(selector, "matchExpressions")
            if not text(expression, "key").startswith(OPERATOR_LABELS)
        ],
    }


def written_selector(selector: Mapping[str, Any]) -> str:
    """Return a selector in words: its labels as on a command line, then keys and operators of its expressions."""
    labels = mapping(selector, "matchLabels")
    expressions = [
        f"{text(expression, 'key')} {text(expression, 'operator')}"
        for expression in entries(selector, "matchExpressions")
    ]
    return ", ".join([*([written_labels(labels)] if labels else []), *expressions])


def differing(wanted: Mapping[str, Any], candidates: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the labels in which the closest candidate differs from the wanted ones; None stands for an absent one."""
    closest = max(candidates, key=lambda labels: sum(labels.get(k) == v for k, v in wanted.items()), default=None)
    if closest is None:
        return {}
    return {key: closest.get(key) for key, value in wanted.items() if closest.get(key) != value}
