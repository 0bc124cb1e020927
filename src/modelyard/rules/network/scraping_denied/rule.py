"""Network policies that keep Prometheus out."""

from collections.abc import Iterator
from typing import Any

from modelyard.cluster import Environment, PodTemplate, Thing, listed, mapping, numbered, selects, set_by_manifests
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule

_CHART = "kube-prometheus-stack"
_NAME = "kubernetes.io/metadata.name"


@rule("network/scraping-denied", warning, since="0.1.0")
def scraping_denied(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Pods that a network policy isolates from Prometheus are scraped in vain, and their target is down."""
    home = next(
        (each.namespace for each in environment.applications if any(s.chart == _CHART for s in each.sources)), ""
    )
    if not home:
        return
    for thing in environment.of_kind("ServiceMonitor", "monitoring.coreos.com"):
        if not environment.is_ours(thing):
            continue
        selector = thing.mapping("spec.selector")
        for service in environment.services:
            namespaces = listed(thing.mapping("spec.namespaceSelector"), "matchNames")
            if service.namespace not in (namespaces or [environment.namespace_of(thing)]):
                continue
            if not selects(selector, service.thing.labels):
                continue
            policy = next((found for pods in service.pods if (found := _denying(environment, pods, home))), None)
            if policy is not None:
                yield Finding(
                    at=thing.at(("spec", "endpoints", 0, "port")),
                    message=f"{thing} has {service} scraped from namespace {home}, which {policy} does not let in",
                    fix=f"let namespace {home} in, to the port that is scraped",
                )
                break


def _denying(environment: Environment, pods: PodTemplate, home: str) -> Thing | None:
    """Return a policy of the pods where none of theirs lets the namespace in; None where nothing isolates them."""
    namespace = environment.namespace_of(pods.thing)
    policies = [
        each
        for each in environment.of_kind("NetworkPolicy", "networking.k8s.io")
        if environment.namespace_of(each) == namespace
        and "Ingress" in (listed(each.value, "spec", "policyTypes") or ["Ingress"])
        and selects(_plain(each.mapping("spec.podSelector")), pods.labels)
    ]
    labels = _labels(environment, home)
    if any(_admits(policy, labels, namespace == home) for policy in policies):
        return None
    return policies[0] if policies else None


def _admits(policy: Thing, labels: dict[str, Any], same_namespace: bool) -> bool:
    for _, entry in numbered(policy.value, "spec", "ingress"):
        peers = [peer for _, peer in numbered(entry, "from")]
        if not peers:
            return True
        for peer in peers:
            if "ipBlock" in peer:
                return True  # the address of Prometheus is not known
            if "namespaceSelector" in peer:
                if selects(mapping(peer, "namespaceSelector"), labels):
                    return True
            elif same_namespace:
                return True
    return False


def _labels(environment: Environment, namespace: str) -> dict[str, Any]:
    found = next((each for each in environment.of_kind("Namespace", "") if each.name == namespace), None)
    return {**(found.labels if found is not None else {}), _NAME: namespace}


def _plain(selector: dict[str, Any]) -> dict[str, Any]:
    return {**selector, "matchLabels": set_by_manifests(mapping(selector, "matchLabels"))}
