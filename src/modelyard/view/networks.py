"""The subnets that terraform/modules/network makes, in which load balancers stand."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

VPC_CIDR = "10.0.0.0/16"
"""Default of the variable `vpc_cidr` (terraform/variables-network.tf)."""

MODULE = "terraform/modules/network/main.tf"


def public_subnets(vpc: str, zones: int) -> list[IPv4Network]:
    """Return the subnets of load balancers that face the internet, one for each zone: `cidrsubnet(vpc, 8, 96 + zone)`.

    Args:
        vpc: Addresses of the VPC in CIDR notation.
        zones: Number of zones.

    Returns:
        Nothing where the addresses are none, or leave no room.
    """
    return _parts(vpc, 8, 96, zones)


def private_subnets(vpc: str, zones: int) -> list[IPv4Network]:
    """Return the subnets of nodes and of internal load balancers, one for each zone: `cidrsubnet(vpc, 4, zone)`.

    Args:
        vpc: Addresses of the VPC in CIDR notation.
        zones: Number of zones.

    Returns:
        Nothing where the addresses are none, or leave no room.
    """
    return _parts(vpc, 4, 0, zones)


def _parts(vpc: str, bits: int, first: int, count: int) -> list[IPv4Network]:
    try:
        whole = IPv4Network(vpc)
        size = 2 ** (32 - whole.prefixlen - bits)
        starts = [int(whole.network_address) + (first + index) * size for index in range(count)]
        return [IPv4Network((IPv4Address(start), whole.prefixlen + bits)) for start in starts]
    except (ValueError, TypeError):
        return []
