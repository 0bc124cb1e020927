"""Spread and affinity terms that choose no pod."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.rules import rule
from modelyard.rules.scheduling.affinity import REQUIRED, chooses, elsewhere, keys_without_pods, terms
from modelyard.view import (
    Environment,
    PodTemplate,
    differing,
    mapping,
    written_labels,
    written_selector,
)

_Path = tuple[str | int, ...]


@rule("scheduling/term-without-pods", warning, since="0.1.0")
def term_without_pods(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A spread or affinity term whose selector matches no pod has no effect: replicas may share a node or zone."""
    for workload in environment.own_workloads:
        namespace = environment.namespace_of(workload.manifest)
        if environment.unrendered_in(namespace):
            continue
        for template in workload.templates:
            for what, path, term in terms(template):
                if elsewhere(term, namespace) or chooses(environment, namespace, term):
                    continue
                wanted = mapping(term, "labelSelector", "matchLabels")
                others = differing(wanted, environment.pods_in(namespace).labels)
                key = next(iter(others or wanted), None)
                below: _Path = ("labelSelector", "matchLabels", key) if key else ("labelSelector",)
                yield Finding(
                    at=template.at(*path, *below),
                    message=f"{what} of {template} selects pods with {_shown(term)}, but namespace {namespace} has "
                    "none",
                    fix=f"select the pods themselves: {written_labels(_own(template))}",
                    # What it requires nobody is, so that the pod stays Pending.
                    severity=error if what == "podAffinity" and REQUIRED in path else warning,
                )
            for path, key in keys_without_pods(template):
                yield Finding(
                    at=template.at(*path),
                    message=f"{template} have an affinity to pods with the same {key}, a label that they do not have",
                    fix="use a label of the pods, or remove the key",
                )


def _shown(term: dict[str, Any]) -> str:
    return written_selector(mapping(term, "labelSelector")) or "no selector at all"


def _own(template: PodTemplate) -> dict[str, Any]:
    instance = "app.kubernetes.io/instance"
    labels = template.labels
    return {instance: labels[instance]} if instance in labels else dict(list(labels.items())[:1])
