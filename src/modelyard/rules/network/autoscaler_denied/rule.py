"""Network policies that keep an autoscaler from what it asks, or from what it forwards to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import (
    NAMESPACE_NAME,
    Environment,
    Manifest,
    Peer,
    admits_peer,
    isolations,
    mapping,
    namespace_labels,
    numbered,
    port_number,
    text,
)
from modelyard.view.admission import namespace_admits
from modelyard.view.isolation import Direction

_ADDRESS = re.compile(r"^\w+://([\w-]+)\.([\w-]+)(?:\.svc)?(?:\.cluster\.local)?:(\d+)")
_WAY = {"Ingress": "ingress", "Egress": "egress"}
_KEDA, _INTERCEPTOR = "keda", "keda-add-ons-http"


@rule("network/autoscaler-denied", error, since="0.3.0")
def autoscaler_denied(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without access to Prometheus KEDA scales nothing; an interceptor that cannot reach the pods returns 502."""
    labels = namespace_labels(environment)
    yield from _asks(environment, labels)
    yield from _forwards(environment, labels)


def _asks(environment: Environment, labels: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    home = environment.namespace_of_chart(_KEDA)
    said: set[tuple[str, Direction]] = set()
    for manifest in environment.of_kind("ScaledObject", "keda.sh") if home else ():
        for index, trigger in numbered(manifest.value, "spec", "triggers"):
            match = _ADDRESS.match(text(mapping(trigger, "metadata"), "serverAddress"))
            if match is None:
                continue
            namespace, port = match[2], int(match[3])
            ways: tuple[tuple[str, str, Direction, str], ...] = (
                (namespace, home, "Ingress", f"allows ingress from namespace {home} to port {port} of {namespace}"),
                (home, namespace, "Egress", f"allows egress from namespace {home} to port {port} of {namespace}"),
            )
            for at, other, direction, words in ways:
                policies = _policies(environment, at)
                peer = Peer(other, labels.get(other, {NAMESPACE_NAME: other}))
                denied = namespace_admits(policies, direction, peer, port) is False
                if not denied or (namespace, direction) in said:
                    continue
                said.add((namespace, direction))
                yield Finding(
                    at=_nearest(policies, direction).at(("spec", direction.lower())),
                    message=f"{manifest} makes KEDA query {match[1]} in namespace {namespace} "
                    f"(trigger {index + 1}), but no network policy {words}",
                    fix=f"allow {_WAY[direction]} from namespace {home} to port {port} of {namespace}",
                )


def _forwards(environment: Environment, labels: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    home, incoming = environment.namespace_of_chart(_INTERCEPTOR), isolations(environment, "Ingress")
    for route in environment.of_kind("InterceptorRoute", "http.keda.sh") if home else ():
        target, namespace = route.mapping("spec.target"), environment.namespace_of(route)
        for service in environment.services:
            if service.namespace != namespace or service.name != target.get("service"):
                continue
            wanted = target.get("portName"), target.get("port")
            ports = [each for each in service.ports if each.get("name") == wanted[0] or each.get("port") == wanted[1]]
            for pods in service.pods if ports else ():
                isolation = incoming.get(pods)
                targets = ports[0].get("targetPort", ports[0].get("port"))
                port = next((n for c in pods.containers if (n := port_number(c.value, targets)) is not None), None)
                if isolation is None or port is None:
                    continue
                if not admits_peer(isolation, Peer(home, labels.get(home, {NAMESPACE_NAME: home})), port):
                    policy = _own(route, isolation.policies)
                    yield Finding(
                        at=policy.at(("spec", "ingress")),
                        message=f"the interceptor in namespace {home} forwards requests of {route} to port {port} of "
                        f"{pods}, but no network policy allows it",
                        fix=f"allow ingress from namespace {home} to port {port}",
                    )


def _own(route: Manifest, policies: tuple[Manifest, ...]) -> Manifest:
    return next((each for each in policies if each.application == route.application), policies[0])


def _policies(environment: Environment, namespace: str) -> list[Manifest]:
    found = environment.of_kind("NetworkPolicy", "networking.k8s.io")
    return [each for each in found if environment.namespace_of(each) == namespace]


def _nearest(policies: list[Manifest], direction: Direction) -> Manifest:
    """Return the policy that lets most in or out, which is where an entry is missing."""
    return max(policies, key=lambda each: len(each.entries(("spec", direction.lower()))))
