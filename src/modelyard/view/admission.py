"""Whether network policies let pods talk to other pods, whose labels are known as far as manifests show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelyard.repository import derived
from modelyard.view.isolation import Direction, Isolation, types_of
from modelyard.view.labels import selector_set_by_manifests, selects
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import entries, mapping, text

if TYPE_CHECKING:
    from modelyard.view.environment import Environment

NAMESPACE_NAME = "kubernetes.io/metadata.name"
_FIRST_FREE, _LAST_PORT = 1024, 65535
_EVERYTHING = ("0.0.0.0/0", "::/0")
_FIELDS = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}


@dataclass(frozen=True)
class Peer:
    """The other side of a connection.

    Attributes:
        namespace: The namespace of its pods.
        namespace_labels: The labels of that namespace.
        labels: The labels of its pods; None where no manifest shows them, so that any selector may choose them.
    """

    namespace: str
    namespace_labels: Mapping[str, Any]
    labels: Mapping[str, Any] | None = None


@derived
def namespace_labels(environment: Environment) -> Mapping[str, Mapping[str, Any]]:
    """Return the labels of an environment's namespaces by name, with the one that Kubernetes gives them."""
    found: dict[str, Mapping[str, Any]] = {}
    for manifest in environment.of_kind("Namespace", ""):
        found[manifest.name] = {**manifest.labels, NAMESPACE_NAME: manifest.name}
    for application in environment.applications:
        found.setdefault(application.namespace, {NAMESPACE_NAME: application.namespace})
    return found


def admits_peer(isolation: Isolation, peer: Peer, port: int | None, protocol: str = "TCP") -> bool:
    """Return whether policies let a connection through.

    Args:
        isolation: The pods and their policies.
        peer: Who is at the other end.
        port: The port that is connected to; None for connections on ports that the processes choose.
        protocol: `TCP` or `UDP`.
    """
    field, side = _FIELDS[isolation.direction]
    if not isolation.policies:
        return True
    for policy in isolation.policies:
        for entry in policy.entries(("spec", field)):
            if not _has_port(isolation, entry, port, protocol):
                continue
            peers = entries(entry, side)
            if not peers or any(_is_peer(policy, isolation, each, peer) for each in peers):
                return True
    return False


def _has_port(isolation: Isolation, entry: Mapping[str, Any], port: int | None, protocol: str) -> bool:
    ports = entries(entry, "ports")
    if not ports:
        return True
    for each in ports:
        if (text(each, "protocol") or "TCP") != protocol:
            continue
        wanted, end = each.get("port"), each.get("endPort")
        if wanted is None:
            return True
        if port is None:
            # Ports above those of the system, as processes choose them.
            if isinstance(wanted, int) and isinstance(end, int) and wanted <= _FIRST_FREE and end >= _LAST_PORT:
                return True
            continue
        named = {name for name, number, _ in isolation.template.ports if number == port}
        if _holds_port(each, port) or (isolation.direction == "Ingress" and str(wanted) in named):
            return True
    return False


def _is_peer(policy: Manifest, isolation: Isolation, written: Mapping[str, Any], peer: Peer) -> bool:
    if "ipBlock" in written:
        # Addresses of pods are not known; a block of everything holds them.
        return text(written, "ipBlock", "cidr") in _EVERYTHING and not mapping(written, "ipBlock").get("except")
    if "namespaceSelector" in written:
        if not selects(mapping(written, "namespaceSelector"), peer.namespace_labels):
            return False
    elif peer.namespace != (policy.namespace or peer.namespace) or not _same_namespace(isolation, policy, peer):
        return False
    selector = written.get("podSelector")
    if not isinstance(selector, dict) or peer.labels is None:
        return True
    return selects(selector_set_by_manifests(selector), peer.labels)


def _same_namespace(isolation: Isolation, policy: Manifest, peer: Peer) -> bool:
    own = policy.namespace or isolation.template.manifest.namespace
    return not own or own == peer.namespace


def namespace_admits(policies: Sequence[Manifest], direction: Direction, peer: Peer, port: int) -> bool | None:
    """Return whether policies of a whole namespace let a connection through; None where one is for some pods alone.

    Args:
        policies: The policies of the namespace.
        direction: `Ingress` or `Egress`.
        peer: Who is at the other end.
        port: The port, of TCP.
    """
    field, side = _FIELDS[direction]
    about = [each for each in policies if direction in types_of(each)]
    if any(each.mapping("spec.podSelector") for each in about):
        return None
    for policy in about:
        for entry in policy.entries(("spec", field)):
            ports = [each for each in entries(entry, "ports") if (text(each, "protocol") or "TCP") == "TCP"]
            if any(isinstance(each.get("port"), str) for each in ports):
                return None  # a name that only the pods know
            if entries(entry, "ports") and not any(_holds_port(each, port) for each in ports):
                continue
            peers = entries(entry, side)
            if not peers or any(_may_be(each, policy, peer) for each in peers):
                return True
    return not about


def _holds_port(written: Mapping[str, Any], port: int) -> bool:
    first, last = written.get("port"), written.get("endPort")
    return (
        first is None or first == port or (isinstance(first, int) and isinstance(last, int) and first <= port <= last)
    )


def _may_be(written: Mapping[str, Any], policy: Manifest, peer: Peer) -> bool:
    if "ipBlock" in written:
        return text(written, "ipBlock", "cidr") in _EVERYTHING
    if "namespaceSelector" in written:
        return selects(mapping(written, "namespaceSelector"), peer.namespace_labels)
    return peer.namespace == policy.namespace
