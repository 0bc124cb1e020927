"""Load balancers that the network policy of the pods behind them does not let in."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, PodTemplate, entries, listed, mapping, selects, text
from modelyard.view.networks import MODULE, VPC_CIDR, private_subnets, public_subnets
from modelyard.view.times.answer import backends

TARGET_TYPE = "alb.ingress.kubernetes.io/target-type"
SCHEME = "alb.ingress.kubernetes.io/scheme"
_FACING = "internet-facing"


@rule("network/load-balancer-denied", error, since="0.1.0")
def load_balancer_denied(environment: Environment) -> Iterator[Finding | NotChecked]:
    """With target type ip, a load balancer calls pods directly; if policies block it, all targets are unhealthy."""
    for ingress in environment.of_kind("Ingress", "networking.k8s.io"):
        if ingress.annotations.get(TARGET_TYPE) != "ip" or not environment.is_ours(ingress):
            continue
        namespace, named = environment.namespace_of(ingress), backends(ingress)
        subnets = _subnets(environment, _scheme(environment, ingress) == _FACING)
        for service in environment.services:
            for template in service.pods if service.namespace == namespace and service.name in named else ():
                policies = list(_policies(environment, namespace, template))
                if policies and not any(_admits(policy, subnets) for policy in policies):
                    yield _finding(ingress, template, policies, subnets)


def _finding(ingress: Manifest, template: PodTemplate, policies: list[Manifest], subnets: list[IPv4Network]) -> Finding:
    where = f" in {' and '.join(map(str, subnets[:2]))}{' and so on' * (len(subnets) > 2)}"
    return Finding(
        at=policies[-1].at("spec.ingress", key=True),
        message=f"{' and '.join(map(str, policies))} {'block' if len(policies) > 1 else 'blocks'} the load "
        f"balancer of {ingress}{where if subnets else ''}, which calls {template} directly",
        fix="allow ingress from the load balancer's subnets to that port"
        + (f": {', '.join(map(str, subnets))}" if subnets else ""),
    )


def _policies(environment: Environment, namespace: str, template: PodTemplate) -> Iterator[Manifest]:
    """Yield the policies that say who may enter the pods, those of all pods of the namespace first."""
    found = [
        policy
        for policy in environment.of_kind("NetworkPolicy", "networking.k8s.io")
        if environment.namespace_of(policy) == namespace
        and "Ingress" in (listed(policy.value, "spec", "policyTypes") or ["Ingress"])
        and selects(policy.mapping("spec.podSelector"), template.labels)
    ]
    yield from sorted(found, key=lambda policy: bool(policy.mapping("spec.podSelector")))


def _admits(policy: Manifest, subnets: list[IPv4Network]) -> bool:
    for entry in policy.entries("spec.ingress"):
        peers = entries(entry, "from")
        if not peers or any(_holds(mapping(peer, "ipBlock"), subnets) for peer in peers):
            return True
    return False


def _holds(block: dict[str, Any], subnets: list[IPv4Network]) -> bool:
    try:
        network = IPv4Network(text(block, "cidr"), strict=False)
    except ValueError:
        return False
    return not subnets or any(network.overlaps(each) for each in subnets)


def _subnets(environment: Environment, public: bool) -> list[IPv4Network]:
    """Return where it stands; nothing where Terraform is not this template's, so that any block of addresses may do."""
    terraform = environment.terraform
    if terraform is None or not environment.repository.files.is_file(MODULE):
        return []
    vpc, zones = terraform.variable("vpc_cidr"), terraform.variable("zones")
    count = len(zones) if isinstance(zones, list) else 0
    return (public_subnets if public else private_subnets)(vpc if isinstance(vpc, str) else VPC_CIDR, count)


def _scheme(environment: Environment, ingress: Manifest) -> str:
    """Return the scheme of an Ingress: of its class's parameters, else of its annotation; internal by default."""
    name = ingress.get("spec.ingressClassName")
    for kind in environment.of_kind("IngressClass", "networking.k8s.io"):
        if kind.name == name:
            wanted = kind.get("spec.parameters.name")
            for parameters in environment.by_kind.get("IngressClassParams", ()):
                if parameters.name == wanted and parameters.get("spec.scheme"):
                    return str(parameters.get("spec.scheme"))
    return str(ingress.annotations.get(SCHEME) or "internal")
