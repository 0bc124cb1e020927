"""Which resources a Kustomize patch is for."""

from __future__ import annotations

import re
from typing import Any

from modelyard.linear import matches_whole

_SET = re.compile(r"^\s*([^\s!=]+)\s+(in|notin)\s+\(([^)]*)\)\s*$")


def matches_labels(selector: str, labels: dict[str, Any]) -> bool:
    """Return whether labels satisfy a label selector such as `app=x, tier in (a, b), !canary`."""
    for term in _terms(selector):
        match = _SET.match(term)
        if match:
            values = {value.strip() for value in match[3].split(",")}
            if (str(labels.get(match[1], "")) in values) != (match[2] == "in"):
                return False
            continue
        name, operator, value = _term(term)
        if not operator:
            wanted_absent = term.strip().startswith("!")
            if (name in labels) == wanted_absent:
                return False
        elif (str(labels.get(name, "")) == value) != (operator != "!="):
            return False
    return True


def _terms(selector: str) -> list[str]:
    """Return the terms of a selector: what stands between commas outside of parentheses."""
    terms, depth = [""], 0
    for part in re.split(r"([,()])", selector):
        depth += (part == "(") - (part == ")")
        if part == "," and depth <= 0:
            terms.append("")
        else:
            terms[-1] += part
    return terms


def _mapping(value: object) -> dict[str, Any]:
    """Return labels or annotations; a manifest that has something else in their place has none."""
    return value if isinstance(value, dict) else {}


def _term(term: str) -> tuple[str, str, str]:
    """Return label, operator and value of a term; operator and value are empty where only a label stands."""
    for operator in ("!=", "==", "="):
        name, found, value = term.partition(operator)
        if found:
            return name.strip().removeprefix("!").strip(), operator, value.strip()
    return term.strip().removeprefix("!").strip(), "", ""


def selects(target: dict[str, Any], value: dict[str, Any], names: frozenset[str]) -> bool:
    """Return whether a patch's `target` chooses a resource.

    Args:
        target: The `target` of a patch; its names are regular expressions that match whole names.
        value: The rendered manifest.
        names: Names that the resource has had while it was built.
    """
    group, _, version = str(value.get("apiVersion", "")).rpartition("/")
    for key, actual in (("kind", value.get("kind", "")), ("group", group), ("version", version)):
        if key in target and not matches_whole(str(target[key]), str(actual)):
            return False
    if "name" in target and not any(matches_whole(str(target["name"]), name) for name in names):
        return False
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    for key, field in (("labelSelector", "labels"), ("annotationSelector", "annotations")):
        if key in target and not matches_labels(str(target[key]), _mapping(metadata.get(field))):
            return False
    return True
