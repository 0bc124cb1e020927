"""What NetworkPolicies let in and out of pods, for peers that are no pods: the API server, and addresses."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from modelyard.repository import derived
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import entries, listed, mapping
from modelyard.view.workloads import PodTemplate

if TYPE_CHECKING:
    from modelyard.view.environment import Environment

Direction = Literal["Ingress", "Egress"]
_FIELDS: Mapping[Direction, tuple[str, str]] = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}


@dataclass(frozen=True)
class Isolation:
    """The policies that isolate one kind of pods, in one direction.

    Attributes:
        template: The pods.
        direction: Which connections they are about.
        policies: The policies; no pods are isolated by none.
    """

    template: PodTemplate
    direction: Direction
    policies: tuple[Manifest, ...]

    def admits(self, port: int, *, address: str | None = None, protocol: str = "TCP") -> bool:
        """Return whether a connection is let through.

        Args:
            port: Port of who is connected to.
            address: Address of the other side; None for one that is not known, which any block may hold.
            protocol: `TCP` or `UDP`.
        """
        field, peers = _FIELDS[self.direction]
        return not self.policies or any(
            self._has_port(rule, port, protocol) and _has_peer(rule, peers, address)
            for policy in self.policies
            for rule in policy.entries(("spec", field))
        )

    def _has_port(self, rule: Mapping[str, Any], port: int, protocol: str) -> bool:
        ports = entries(rule, "ports")
        named = {name for name, number, _ in self.template.ports if number == port and name}
        for each in ports:
            if str(each.get("protocol") or "TCP") != protocol:
                continue
            wanted, end = each.get("port"), each.get("endPort")
            if wanted is None or wanted == port or (self.direction == "Ingress" and wanted in named):
                return True
            if isinstance(wanted, int) and isinstance(end, int) and wanted <= port <= end:
                return True
        return not ports


@derived
def isolations(environment: Environment, direction: Direction) -> Mapping[PodTemplate, Isolation]:
    """Return how the pods of each template are isolated; those that no policy chooses are left out."""
    policies: dict[PodTemplate, list[Manifest]] = defaultdict(list)
    for policy in environment.of_kind("NetworkPolicy", "networking.k8s.io"):
        if direction not in types_of(policy):
            continue
        selector = policy.mapping("spec.podSelector")
        for template in environment.pods_in(environment.namespace_of(policy)).chosen(selector):
            policies[template].append(policy)
    return {template: Isolation(template, direction, tuple(own)) for template, own in policies.items()}


def types_of(policy: Manifest) -> Iterable[str]:
    """Return the directions that a policy is about: those that it lists, else what Kubernetes takes it for."""
    told = listed(policy.value, "spec", "policyTypes")
    return told or (["Ingress", "Egress"] if policy.has("spec.egress") else ["Ingress"])


def _has_peer(rule: Mapping[str, Any], field: str, address: str | None) -> bool:
    peers = entries(rule, field)
    if not peers:
        return True
    blocks = [mapping(peer, "ipBlock") for peer in peers if "ipBlock" in peer]
    return bool(blocks) if address is None else any(_holds(block, address) for block in blocks)


def _holds(block: Mapping[str, Any], address: str) -> bool:
    try:
        inside = ipaddress.ip_address(address) in ipaddress.ip_network(str(block.get("cidr")), strict=False)
        excepted = [ipaddress.ip_network(str(each), strict=False) for each in listed(block, "except")]
    except ValueError:
        return True  # the schema's rules say what is wrong with it
    return inside and not any(ipaddress.ip_address(address) in each for each in excepted)
