"""Private ranges in network policies that are no part of the VPC."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, mapping, numbered, text
from modelyard.view.networks import MODULE

_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))


@rule("network/range-outside-vpc", warning, since="0.3.0")
def range_outside_vpc(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A load balancer calls from addresses of the VPC; a policy that names another private range keeps it out."""
    vpc = _vpc(environment)
    if vpc is None:
        return
    for policy in environment.of_kind("NetworkPolicy", "networking.k8s.io"):
        if not environment.is_ours(policy):
            continue
        for index, rules in numbered(policy.value, "spec", "ingress"):
            ranges = [(number, _range(peer)) for number, peer in numbered(rules, "from")]
            if any(each is not None and each.overlaps(vpc) for _, each in ranges):
                continue  # others may be networks that are peered with it
            for number, each in ranges:
                if each is not None and any(each.subnet_of(private) for private in _PRIVATE):
                    yield Finding(
                        at=policy.at(("spec", "ingress", index, "from", number, "ipBlock", "cidr")),
                        message=f"{policy} lets in {each}, which is no part of the VPC ({vpc} of terraform.tfvars)",
                        fix=f"write {vpc}, or allow this finding where that network is connected to the VPC",
                    )


def _vpc(environment: Environment) -> IPv4Network | None:
    """Return the range of the VPC; None where Terraform does not make it."""
    terraform = environment.terraform
    if terraform is None or not environment.repository.files.is_file(MODULE):
        return None
    told = terraform.variable("vpc_cidr")
    if not isinstance(told, str) or terraform.variable("existing_cluster") is not None:
        return None
    try:
        return IPv4Network(told, strict=False)
    except ValueError:
        return None  # terraform/refused-variable says so


def _range(peer: object) -> IPv4Network | None:
    try:
        return IPv4Network(text(mapping(peer, "ipBlock"), "cidr"), strict=False)
    except ValueError:
        return None
