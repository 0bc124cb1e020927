"""Spread and affinity terms that choose no pod."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import (
    Environment,
    PodTemplate,
    differing,
    listed,
    mapping,
    numbered,
    selector_set_by_manifests,
    written_labels,
    written_selector,
)

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_Path = tuple[str | int, ...]


@rule("scheduling/term-without-pods", warning, since="0.1.0")
def term_without_pods(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A spread or affinity term whose selector chooses no pod does nothing: replicas share the node it was against."""
    for workload in environment.own_workloads:
        namespace = environment.namespace_of(workload.manifest)
        if environment.unrendered_in(namespace):
            continue
        for template in workload.templates:
            for what, path, term in _terms(template):
                if _elsewhere(term, namespace) or _chooses(environment, namespace, term):
                    continue
                wanted = mapping(term, "labelSelector", "matchLabels")
                others = differing(wanted, environment.pods_in(namespace).labels)
                key = next(iter(others or wanted), None)
                below: _Path = ("labelSelector", "matchLabels", key) if key else ("labelSelector",)
                yield Finding(
                    at=template.at(*path, *below),
                    message=f"{what} of {template} chooses pods with {_shown(term)}, which namespace {namespace} does "
                    "not have",
                    fix=f"choose the pods themselves: {written_labels(_own(template))}",
                )


def _terms(template: PodTemplate) -> Iterator[tuple[str, _Path, dict[str, Any]]]:
    for index, constraint in numbered(template.spec, "topologySpreadConstraints"):
        yield "a spread constraint", ("topologySpreadConstraints", index), constraint
    for field in ("podAffinity", "podAntiAffinity"):
        # What a required affinity wants and nobody has leaves the pod Pending, which placement says.
        if field == "podAntiAffinity":
            for index, term in numbered(template.spec, "affinity", field, _REQUIRED):
                yield f"{field}", ("affinity", field, _REQUIRED, index), term
        for index, weighted in numbered(template.spec, "affinity", field, _PREFERRED):
            term = mapping(weighted, "podAffinityTerm")
            yield f"{field}", ("affinity", field, _PREFERRED, index, "podAffinityTerm"), term


def _elsewhere(term: dict[str, Any], namespace: str) -> bool:
    named = {str(each) for each in listed(term, "namespaces")}
    return "namespaceSelector" in term or bool(named - {namespace})


def _chooses(environment: Environment, namespace: str, term: dict[str, Any]) -> bool:
    selector = term.get("labelSelector")
    if not isinstance(selector, dict):
        return False
    return any(True for _ in environment.pods_in(namespace).chosen(selector_set_by_manifests(selector)))


def _shown(term: dict[str, Any]) -> str:
    return written_selector(mapping(term, "labelSelector")) or "no selector at all"


def _own(template: PodTemplate) -> dict[str, Any]:
    instance = "app.kubernetes.io/instance"
    labels = template.labels
    return {instance: labels[instance]} if instance in labels else dict(list(labels.items())[:1])
