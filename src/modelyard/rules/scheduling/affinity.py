"""Spread and affinity terms of pods, and whether any pod of their namespace is meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.view import Environment, PodTemplate, listed, mapping, numbered, selector_set_by_manifests

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_Path = tuple[str | int, ...]


def unmet_affinity(environment: Environment, template: PodTemplate) -> bool:
    """Return whether pods require others beside them that the environment does not have."""
    namespace = environment.namespace_of(template.manifest)
    return not environment.unrendered_in(namespace) and any(
        what == "podAffinity"
        and REQUIRED in path
        and not elsewhere(term, namespace)
        and not chooses(environment, namespace, term)
        for what, path, term in terms(template)
    )


def terms(template: PodTemplate) -> Iterator[tuple[str, _Path, dict[str, Any]]]:
    """Yield each term: what it is in words, its path in the pod's spec, and the term."""
    for index, constraint in numbered(template.spec, "topologySpreadConstraints"):
        yield "a spread constraint", ("topologySpreadConstraints", index), constraint
    for field in ("podAffinity", "podAntiAffinity"):
        for index, term in numbered(template.spec, "affinity", field, REQUIRED):
            yield f"{field}", ("affinity", field, REQUIRED, index), term
        for index, weighted in numbered(template.spec, "affinity", field, _PREFERRED):
            term = mapping(weighted, "podAffinityTerm")
            yield f"{field}", ("affinity", field, _PREFERRED, index, "podAffinityTerm"), term


def elsewhere(term: dict[str, Any], namespace: str) -> bool:
    """Return whether a term means pods of other namespaces."""
    named = {str(each) for each in listed(term, "namespaces")}
    return "namespaceSelector" in term or bool(named - {namespace})


def chooses(environment: Environment, namespace: str, term: dict[str, Any]) -> bool:
    """Return whether a term chooses any pod of a namespace."""
    selector = term.get("labelSelector")
    if not isinstance(selector, dict):
        return False
    return any(True for _ in environment.pods_in(namespace).chosen(selector_set_by_manifests(selector)))
