"""Rules of policies that let another protocol through than the port speaks."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, PodTemplate, isolations, numbered, text

# Ports that speak TCP in what models call. HTTP/3 uses UDP 443 beside TCP, never alone.
_OVER_TCP = {80: "HTTP", 443: "HTTPS", 2049: "NFS", 6379: "Redis"}
_DIRECTIONS = {"ingress": "Ingress", "egress": "Egress"}


@rule("network/protocol-mismatch", error, since="0.3.0")
def protocol_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A NetworkPolicy admits a port by one protocol; traffic by the other is dropped without a word."""
    chosen: dict[Manifest, list[PodTemplate]] = {}
    for template, isolation in isolations(environment, "Ingress").items():
        for policy in isolation.policies:
            chosen.setdefault(policy, []).append(template)
    for policy in environment.of_kind("NetworkPolicy", "networking.k8s.io"):
        if not environment.is_ours(policy):
            continue
        for field in _DIRECTIONS:
            for index, entry in numbered(policy.value, "spec", field):
                for number, port in numbered(entry, "ports"):
                    written, protocol = port.get("port"), text(port, "protocol") or "TCP"
                    if any(
                        each.get("port") == written and (text(each, "protocol") or "TCP") != protocol
                        for _, each in numbered(entry, "ports")
                    ):
                        continue  # both are let through
                    spoken = _spoken(chosen.get(policy, []), written) if field == "ingress" else _outside(written)
                    if spoken and protocol not in spoken:
                        expected = sorted(spoken)[0]
                        yield Finding(
                            at=policy.at(
                                ("spec", field, index, "ports", number, "protocol" if "protocol" in port else "port")
                            ),
                            message=f"{policy} lets {protocol} through to port {written}, which speaks {expected}",
                            fix=f"write protocol: {expected}",
                        )


def _spoken(templates: list[PodTemplate], written: object) -> set[str]:
    """Return the protocols by which pods declare a port; empty where one of them does not declare it."""
    found: set[str] = set()
    for template in templates:
        own = {protocol for name, number, protocol in template.ports if written in (name, number)}
        if not own:
            return set()
        found |= own
    return found


def _outside(written: object) -> set[str]:
    return {"TCP"} if isinstance(written, int) and written in _OVER_TCP else set()
