"""Network policies that keep Prometheus out."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Finding, NotChecked, warning
from modelyard.graph import Edge, End, ObjectRef, graph
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.view import (
    Environment,
    Isolation,
    Manifest,
    Peer,
    admits_peer,
    isolations,
    listed,
    mapping,
    namespace_labels,
    numbered,
    selects,
)

_CHART = "kube-prometheus-stack"

_Pods = tuple[ObjectRef, Path]
"""Whose pods, and where in it their labels are written."""


@rule("network/scraping-denied", warning, since="0.1.0")
def scraping_denied(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Prometheus cannot scrape pods behind a NetworkPolicy that does not allow it; the targets are down."""
    home = environment.namespace_of_chart(_CHART)
    if not home:
        return
    isolating = _isolating(environment)
    labels = namespace_labels(environment)[home]
    for edge in graph(environment).of("scrapes"):
        monitor = edge.source.holder
        if not isinstance(monitor, Manifest) or monitor.kind != "ServiceMonitor" or not environment.is_ours(monitor):
            continue
        if edge.source.path != ("spec", "selector"):
            continue
        for service, policies, namespace in _scraped(environment, edge, isolating):
            if policies and not any(_admits(policy, labels, namespace == home) for policy in policies):
                yield Finding(
                    at=monitor.at(("spec", "endpoints", 0, "port")),
                    message=f"{monitor} scrapes {service.holder} from namespace {home}, "
                    f"which {policies[0]} does not allow",
                    fix=f"allow ingress from namespace {home} to the scraped port",
                )
                break
    yield from _of_pod_monitors(environment, home, labels)


def _of_pod_monitors(environment: Environment, home: str, labels: Mapping[str, Any]) -> Iterator[Finding]:
    incoming = isolations(environment, "Ingress")
    for monitor in environment.of_kind("PodMonitor", "monitoring.coreos.com"):
        if not environment.is_ours(monitor):
            continue
        endpoints = monitor.entries("spec.podMetricsEndpoints")
        wanted = {str(each.get("port")) for each in endpoints if not _is_readdressed(each)}
        spaces = listed(monitor.value, "spec", "namespaceSelector", "matchNames")
        for namespace in [str(each) for each in spaces] or [environment.namespace_of(monitor)]:
            for pods in environment.pods_in(namespace).chosen(monitor.mapping("spec.selector")):
                isolation = incoming.get(pods)
                ports = [number for name, number, _ in pods.ports if name in wanted]
                if isolation is None or not ports or admits_peer(isolation, Peer(home, labels), ports[0]):
                    continue
                yield Finding(
                    at=monitor.at(("spec", "podMetricsEndpoints", 0, "port")),
                    message=f"{monitor} scrapes port {ports[0]} of {pods} from namespace {home}, "
                    f"which {_own(monitor, isolation)} does not allow",
                    fix=f"allow ingress from namespace {home} to the scraped port",
                )
                break


def _is_readdressed(endpoint: Mapping[str, Any]) -> bool:
    """Return whether relabelling writes the address anew, so that the named port only finds the pod."""
    return any(each.get("targetLabel") == "__address__" for _, each in numbered(endpoint, "relabelings"))


def _own(monitor: Manifest, isolation: Isolation) -> Manifest:
    """Return the policy beside the monitor, rather than that of the namespace."""
    same = (each for each in isolation.policies if each.application == monitor.application)
    return next(same, isolation.policies[0])


def _isolating(environment: Environment) -> Mapping[_Pods, list[Manifest]]:
    """Return the policies that say who may enter, by the pods that they apply to."""
    found: dict[_Pods, list[Manifest]] = defaultdict(list)
    for edge in graph(environment).of("applies to"):
        policy = edge.source.holder
        if isinstance(policy, Manifest) and "Ingress" in (listed(policy.value, "spec", "policyTypes") or ["Ingress"]):
            for pods in edge.targets:
                found[pods.node, pods.path].append(policy)
    return found


def _scraped(
    environment: Environment, scrapes: Edge, isolating: Mapping[_Pods, list[Manifest]]
) -> Iterator[tuple[End, list[Manifest], str]]:
    """Yield each Service that is scraped with the policies of pods behind it, and their namespace."""
    monitor = scrapes.source.holder
    endpoints = monitor.entries("spec.endpoints") if isinstance(monitor, Manifest) else []
    ports = {str(each.get("port")) for each in endpoints if each.get("port")}
    for service in scrapes.targets:
        if isinstance(service.holder, Manifest) and ports and not ports & _port_names(service.holder):
            continue  # Prometheus keeps what has the port, and drops the rest
        for edge in graph(environment).out_of(service.node):
            for pods in edge.targets if edge.relation == "selects" else ():
                yield service, isolating.get((pods.node, pods.path), []), pods.node.namespace


def _port_names(service: Manifest) -> set[str]:
    return {str(each.get("name")) for each in service.entries("spec.ports")}


def _admits(policy: Manifest, labels: Mapping[str, Any], same_namespace: bool) -> bool:
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
