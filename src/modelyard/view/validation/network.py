"""Services, policies and routes: pkg/apis/{core,networking}/validation/validation.go of Kubernetes."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.rendering import Path
from modelyard.view.shapes import listed, mapping, numbered, text
from modelyard.view.validation.checks import (
    HIGHEST_PORT,
    Check,
    Refused,
    choice_of,
    is_label,
    is_subdomain,
    needed,
    port_of,
    range_of,
    selector,
    whole,
)

_HOST = re.compile(r"(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_OF_LOAD_BALANCERS = ("allocateLoadBalancerNodePorts", "loadBalancerClass", "loadBalancerSourceRanges")
_LONGEST_SESSION = 86400
_OUTSIDE_TYPES = ("NodePort", "LoadBalancer")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _service(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    kind = text(spec, "type") or "ClusterIP"
    ports = listed(spec, "ports")
    is_headless = spec.get("clusterIP") == "None"
    address = spec.get("clusterIP")
    if isinstance(address, str) and address not in ("", "None") and not _is_address(address):
        yield Refused(
            ("spec", "clusterIP"), f"clusterIP is {address}, which is no IP address", "write None or an address"
        )
    if not ports and kind != "ExternalName" and not is_headless:
        yield Refused(("spec", "ports"), "the Service has no ports")
    if kind == "ExternalName" and not is_subdomain(text(spec, "externalName").rstrip(".")):
        yield Refused(
            ("spec", "externalName"),
            f"externalName is {text(spec, 'externalName') or 'missing'}, a DNS name is expected",
        )
    if kind == "LoadBalancer" and is_headless:
        yield Refused(("spec", "clusterIP"), "a LoadBalancer has clusterIP None")
    if spec.get("externalTrafficPolicy") and kind not in _OUTSIDE_TYPES:
        yield Refused(
            ("spec", "externalTrafficPolicy"), f"a Service of type {kind} has externalTrafficPolicy", "remove it"
        )
    yield from _service_fields(spec, kind)
    names: set[str] = set()
    numbers: set[tuple[str, int | None]] = set()
    for index, port in numbered(spec, "ports"):
        here: Path = ("spec", "ports", index)
        yield from range_of(port, here, "port", 1, HIGHEST_PORT)
        yield from port_of(port, here, "targetPort")
        name = text(port, "name")
        if len(ports) > 1 and not name:
            yield Refused((*here, "name"), "one of several ports has no name")
        elif name and not is_label(name):
            yield Refused((*here, "name"), f"a port is called {name}, a DNS label is expected")
        elif name and name in names:
            yield Refused((*here, "name"), f"a second port is called {name}")
        names.add(name)
        pair = text(port, "protocol") or "TCP", whole(port.get("port"))
        if pair[1] is not None and pair in numbers:
            yield Refused((*here, "port"), f"a second port is {pair[1]} of {pair[0]}")
        numbers.add(pair)


def _service_fields(spec: dict[str, Any], kind: str) -> Iterator[Refused]:
    """Yield what goes with some types of Services alone, and the bounds of sticky sessions: `validateService`."""
    yield from choice_of(spec, ("spec",), "sessionAffinity", ("ClientIP", "None"))
    sticky = spec.get("sessionAffinityConfig")
    if sticky is not None and spec.get("sessionAffinity") != "ClientIP":
        yield Refused(("spec", "sessionAffinityConfig"), "sessionAffinityConfig needs sessionAffinity ClientIP")
    client = ("spec", "sessionAffinityConfig", "clientIP")
    yield from range_of(mapping(sticky, "clientIP"), client, "timeoutSeconds", 1, _LONGEST_SESSION)
    yield from choice_of(spec, ("spec",), "internalTrafficPolicy", ("Cluster", "Local"))
    yield from choice_of(spec, ("spec",), "trafficDistribution", ("PreferClose", "PreferSameNode", "PreferSameZone"))
    for field in _OF_LOAD_BALANCERS:
        if spec.get(field) not in (None, []) and kind != "LoadBalancer":
            yield Refused(("spec", field), f"a Service of type {kind} has {field}, which goes with LoadBalancer")
    for index, port in numbered(spec, "ports"):
        if port.get("nodePort") and kind == "ClusterIP":
            yield Refused(("spec", "ports", index, "nodePort"), "a Service of type ClusterIP has nodePort", "remove it")
    for index, each in enumerate(listed(spec, "loadBalancerSourceRanges")):
        if _network(str(each).strip()) is None:
            yield Refused(
                ("spec", "loadBalancerSourceRanges", index),
                f"loadBalancerSourceRanges has {each}, a range of addresses is expected",
            )


def _network_policy(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    yield from selector(spec.get("podSelector"), ("spec", "podSelector"))
    for index, kind in enumerate(listed(spec, "policyTypes")):
        if kind not in ("Ingress", "Egress"):
            yield Refused(("spec", "policyTypes", index), f"policyTypes has {kind}, Ingress or Egress is expected")
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in numbered(spec, direction):
            here = ("spec", direction, index)
            for position, port in numbered(rule, "ports"):
                yield from _policy_port(port, (*here, "ports", position))
            for position, peer in numbered(rule, peers):
                yield from _peer(peer, (*here, peers, position))


def _policy_port(port: dict[str, Any], at: Path) -> Iterator[Refused]:
    yield from port_of(port, at, "port")
    yield from choice_of(port, at, "protocol", ("TCP", "UDP", "SCTP"))
    first, last = port.get("port"), whole(port.get("endPort"))
    if last is None:
        return
    number = whole(first)
    if number is None:
        yield Refused((*at, "endPort"), "endPort needs a port that is a number")
    elif last < number:
        yield Refused((*at, "endPort"), f"endPort is {last}, {number} or more is expected")


def _peer(peer: dict[str, Any], at: Path) -> Iterator[Refused]:
    block = peer.get("ipBlock")
    if isinstance(block, dict):
        if len(peer) > 1:
            yield Refused((*at, "ipBlock"), "a peer with ipBlock has selectors too", "make them peers of their own")
        whole_range = _network(block.get("cidr"))
        if whole_range is None:
            yield Refused((*at, "ipBlock", "cidr"), f"cidr is {block.get('cidr')}, a range of addresses is expected")
        for index, each in enumerate(listed(block, "except")):
            part = _network(each)
            if part is None or whole_range is None or part.version != whole_range.version:
                continue
            if part.network_address not in whole_range or part.prefixlen <= whole_range.prefixlen:
                yield Refused((*at, "ipBlock", "except", index), f"{each} is not a part of {block.get('cidr')}")
    elif not peer.keys() & {"podSelector", "namespaceSelector"}:
        yield Refused(at, "a peer has no podSelector, namespaceSelector or ipBlock")
    for field in ("podSelector", "namespaceSelector"):
        yield from selector(peer.get(field), (*at, field))


def _network(value: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(str(value), strict=False) if "/" in str(value) else None
    except ValueError:
        return None


def _ingress(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    if not listed(spec, "rules") and not spec.get("defaultBackend"):
        yield Refused(("spec", "rules"), "the Ingress has neither rules nor defaultBackend")
    if isinstance(spec.get("defaultBackend"), dict):
        yield from _backend(spec["defaultBackend"], ("spec", "defaultBackend"))
    for index, rule in numbered(spec, "rules"):
        host = text(rule, "host")
        if host and not _HOST.fullmatch(host):
            yield Refused(("spec", "rules", index, "host"), f"host is {host}, a DNS name in lower case is expected")
        for position, path in numbered(rule, "http", "paths"):
            here = ("spec", "rules", index, "http", "paths", position)
            yield from needed(path, here, "pathType")
            kind, written = path.get("pathType"), text(path, "path")
            if kind in ("Exact", "Prefix") and not written.startswith("/"):
                yield Refused((*here, "path"), f"path is {written or 'empty'}, an absolute path is expected")
            yield from _backend(mapping(path, "backend"), (*here, "backend"))


def _backend(backend: dict[str, Any], at: Path) -> Iterator[Refused]:
    service = backend.get("service")
    if not isinstance(service, dict):
        if not isinstance(backend.get("resource"), dict):
            yield Refused(at, "a backend has neither service nor resource")
        return
    yield from needed(service, (*at, "service"), "name")
    port = mapping(service, "port")
    if ("name" in port) == ("number" in port):
        told = "both name and number" if port else "neither name nor number"
        yield Refused((*at, "service", "port"), f"port of a backend has {told}")
    yield from range_of(port, (*at, "service", "port"), "number", 1, HIGHEST_PORT)


NETWORK_CHECKS: Mapping[tuple[str, str], Check] = {
    ("", "Service"): _service,
    ("networking.k8s.io", "NetworkPolicy"): _network_policy,
    ("networking.k8s.io", "Ingress"): _ingress,
}
