"""Pods that may ask for names where nobody answers."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, entries, mapping

_DNS = 53
_SERVICES = "172.20.0.0/16"
"""Default of `service_cidr` in terraform/variables-network.tf."""


@rule("network/dns-egress-denied", error, since="0.1.0")
def dns_egress_denied(environment: Environment) -> Iterator[Finding | NotChecked]:
    """EKS Auto Mode nodes serve DNS themselves; pods that may reach only CoreDNS pods cannot resolve names."""
    if not any(pool.auto_mode for pool in environment.pools):
        return
    address = _address_of_dns(environment)
    if address is None:
        return
    for manifest in environment.of_kind("NetworkPolicy", "networking.k8s.io"):
        for index, egress in enumerate(manifest.entries("spec.egress")):
            if _asks_for_names(egress) and not _reaches(egress, address):
                yield _finding(manifest, index, address)


def _address_of_dns(environment: Environment) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that EKS gives to kube-dns: the tenth of those of Services; None where they are no network."""
    given = environment.terraform.given if environment.terraform is not None else {}
    try:
        services = ipaddress.ip_network(str(given.get("service_cidr") or _SERVICES), strict=False)
    except ValueError:
        return None
    return services.network_address + 10


def _asks_for_names(egress: Mapping[str, Any]) -> bool:
    """Return whether a rule is about names alone: nothing but port 53, to some peers."""
    ports = [each.get("port") for each in entries(egress, "ports")]
    return bool(ports) and bool(entries(egress, "to")) and all(port == _DNS for port in ports)


def _reaches(egress: Mapping[str, Any], address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    for peer in entries(egress, "to"):
        block = mapping(peer, "ipBlock")
        if not block:
            continue
        without = block.get("except")
        if _holds(block.get("cidr"), address) and not any(
            _holds(each, address) for each in (without if isinstance(without, list) else ())
        ):
            return True
    return False


def _holds(cidr: Any, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(str(cidr), strict=False)
    except ValueError:
        return False


def _finding(manifest: Manifest, index: int, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Finding:
    return Finding(
        at=manifest.at(("spec", "egress", index, "to")),
        message=f"{manifest} allows DNS, but not to {address}, where EKS Auto Mode nodes serve it",
        fix=f"add the peer ipBlock: {{cidr: {address}/32}}",
    )
