"""Selectors of policies and budgets that choose no pod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import (
    Environment,
    Manifest,
    differing,
    listed,
    mapping,
    numbered,
    selector_set_by_manifests,
    text,
    written_selector,
)

_SELECTORS = {("PodDisruptionBudget", "policy"): "selector", ("NetworkPolicy", "networking.k8s.io"): "podSelector"}
_NAME = "kubernetes.io/metadata.name"
_PEERS = (("ingress", "from"), ("egress", "to"))
_OF_KUBERNETES = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})


@rule("network/selector-without-pods", error, since="0.1.0")
def selector_without_pods(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A NetworkPolicy that selects no pod allows nothing for its pods; a disruption budget protects none."""
    peopled = {(each.manifest.application, environment.namespace_of(each.manifest)) for each in environment.workloads}
    namespaces = _namespaces(environment)
    for (kind, group), field in _SELECTORS.items():
        for manifest in environment.of_kind(kind, group):
            if not environment.is_ours(manifest):
                continue
            # A policy of the platform may wait for pods that come and go; one beside its pods is theirs.
            if (manifest.application, environment.namespace_of(manifest)) in peopled:
                yield from _chooses_none(environment, manifest, field)
            if kind == "NetworkPolicy":
                yield from _misnamed(manifest, namespaces)


def _chooses_none(environment: Environment, manifest: Manifest, field: str) -> Iterator[Finding]:
    namespace = environment.namespace_of(manifest)
    selector = selector_set_by_manifests(manifest.mapping(("spec", field)))
    wanted = selector["matchLabels"]
    pods = environment.pods_in(namespace)
    if not (wanted or selector["matchExpressions"]) or environment.unrendered_in(namespace):
        return  # all of them, or a chart may bring more
    if any(pods.chosen(selector)):
        return
    others = differing(wanted, pods.labels)
    if not wanted or len(others) == len(wanted):
        return  # nothing in common with any pod: it waits for pods that come and go
    near = ", ".join(f"{key}={value}" if value is not None else f"no {key}" for key, value in others.items())
    key = next(iter(others or wanted), None)
    path = ("spec", field, "matchLabels", key) if key else ("spec", field)
    yield Finding(
        at=manifest.at(path),
        message=f"{manifest} selects pods with {written_selector(selector)}, but namespace {namespace} has none",
        fix=f"select {near}, the closest labels of a pod" if near else "select labels that pods have",
        severity=warning if manifest.kind == "PodDisruptionBudget" else error,
    )


def _misnamed(manifest: Manifest, namespaces: frozenset[str]) -> Iterator[Finding]:
    """Yield peers in a namespace that is spelt almost like one of the environment."""
    for field, side in _PEERS:
        for index, entry in numbered(manifest.value, "spec", field):
            for number, peer in numbered(entry, side):
                base = ("spec", field, index, side, number, "namespaceSelector")
                for path, name in _named(peer):
                    near = "" if name in namespaces else nearest(name, namespaces)
                    # A namespace that the environment lacks may belong to a component that it does not have.
                    if near and _is_misspelt(name, near):
                        yield Finding(
                            at=manifest.at((*base, *path)),
                            message=f"{manifest} references the namespace {name}, which does not exist in this "
                            "environment",
                            fix=f"write {near}",
                        )


def _named(peer: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    selector = mapping(peer, "namespaceSelector")
    label = text(selector, "matchLabels", _NAME)
    if label:
        yield ("matchLabels", _NAME), label
    for position, expression in numbered(selector, "matchExpressions"):
        if text(expression, "key") == _NAME and expression.get("operator") == "In":
            for number, value in enumerate(listed(expression, "values")):
                yield ("matchExpressions", position, "values", number), str(value)


def _is_misspelt(name: str, near: str) -> bool:
    """Return whether one letter lost, added, changed or swapped makes one name of the other."""
    if abs(len(name) - len(near)) > 1:
        return False
    start = next(
        (index for index, (a, b) in enumerate(zip(name, near, strict=False)) if a != b), min(map(len, (name, near)))
    )
    rest, other = name[start:], near[start:]
    return rest[1:] == other or rest == other[1:] or rest[1:] == other[1:] or rest[1::-1] + rest[2:] == other


def _namespaces(environment: Environment) -> frozenset[str]:
    made = {each.name for each in environment.of_kind("Namespace", "")}
    return frozenset(made | {each.namespace for each in environment.applications} | _OF_KUBERNETES) - {""}
