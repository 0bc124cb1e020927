"""Spread and affinity terms of pods, and whether any pod of their namespace is meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from modelyard.placement import labels
from modelyard.view import (
    OPERATOR_LABELS,
    Environment,
    PodTemplate,
    listed,
    mapping,
    numbered,
    selector_set_by_manifests,
)

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
OTHER_LABELS = frozenset(
    {
        labels.HOSTNAME,
        labels.NODE_CLASS,
        labels.AUTO_MODE_NODE_CLASS,
        labels.COMPUTE_TYPE,
        "eks.amazonaws.com/capacityType",
        "eks.amazonaws.com/nodegroup",
        "eks.amazonaws.com/nodegroup-image",
        "eks.amazonaws.com/sourceLaunchTemplateId",
        "eks.amazonaws.com/sourceLaunchTemplateVersion",
        "karpenter.sh/initialized",
        "karpenter.sh/registered",
        "kubernetes.io/role",
        "node.kubernetes.io/exclude-from-external-load-balancers",
    }
)
"""Labels of nodes beside those that Karpenter knows."""
# Labels of the pods of LeaderWorkerSets: api/leaderworkerset/v1 of kubernetes-sigs/lws v0.8.
_LWS = "leaderworkerset.sigs.k8s.io/"
_OF_LWS = frozenset(
    _LWS + name for name in ("name", "group-index", "group-key", "subgroup-index", "subgroup-key", "worker-index")
) | {f"{_LWS}template-revision-hash"}
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


def keys_without_pods(template: PodTemplate) -> Iterator[tuple[_Path, str]]:
    """Yield keys of `matchLabelKeys` that are no labels of the pods; what an operator sets is in its own domain."""
    for _, path, term in terms(template):
        for index, key in enumerate(map(str, listed(term, "matchLabelKeys"))):
            set_by_others = key.startswith(OPERATOR_LABELS) and (not key.startswith(_LWS) or key in _OF_LWS)
            if key not in template.labels and not set_by_others:
                yield (*path, "matchLabelKeys", index), key


def is_unknown_topology(key: str, own: Collection[str]) -> bool:
    """Return whether a topology key is neither a label that nodes have by themselves nor one of the pools' own."""
    return bool(key) and key not in own and key not in labels.WELL_KNOWN | OTHER_LABELS and key not in labels.NORMALIZED
