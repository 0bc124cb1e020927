"""Which resources a Kustomize patch is for."""

from __future__ import annotations

import re
from typing import Any

_SET = re.compile(r"^\s*([^\s!=]+)\s+(in|notin)\s+\(([^)]*)\)\s*$")
_SPLIT = re.compile(r",(?![^(]*\))")


def matches_labels(selector: str, labels: dict[str, Any]) -> bool:
    """Return whether labels satisfy a label selector such as `app=x, tier in (a, b), !canary`."""
    for term in _SPLIT.split(selector):
        match = _SET.match(term)
        if match:
            values = {value.strip() for value in match[3].split(",")}
            if (str(labels.get(match[1], "")) in values) != (match[2] == "in"):
                return False
            continue
        name, operator, value = re.match(r"\s*!?\s*([^\s!=]+)\s*(!=|==|=)?\s*(.*?)\s*$", term).groups()  # type: ignore[union-attr]
        if operator is None:
            wanted_absent = term.strip().startswith("!")
            if (name in labels) == wanted_absent:
                return False
        elif (str(labels.get(name, "")) == value) != (operator != "!="):
            return False
    return True


def selects(target: dict[str, Any], value: dict[str, Any], names: frozenset[str]) -> bool:
    """Return whether a patch's `target` chooses a resource.

    Args:
        target: The `target` of a patch; its names are regular expressions that match whole names.
        value: The rendered manifest.
        names: Names that the resource has had while it was built.
    """
    group, _, version = str(value.get("apiVersion", "")).rpartition("/")
    for key, actual in (("kind", value.get("kind", "")), ("group", group), ("version", version)):
        if key in target and not _whole(str(target[key]), str(actual)):
            return False
    if "name" in target and not any(_whole(str(target["name"]), name) for name in names):
        return False
    metadata = value.get("metadata") or {}
    for key, field in (("labelSelector", "labels"), ("annotationSelector", "annotations")):
        if key in target and not matches_labels(str(target[key]), metadata.get(field) or {}):
            return False
    return True


def _whole(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return pattern == text
