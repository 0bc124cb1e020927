"""Ranges of addresses that a VPC or a subnet cannot have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import IPv4Network

from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Block, Environment, Terraform

# https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html and vpc-cidr-blocks.html, read 2026-12-01
_SHORTEST, _LONGEST = 16, 28
_OF_VPCS = ("aws_vpc", "aws_vpc_ipv4_cidr_block_association")


@rule("terraform/refused-range", error, since="0.3.0")
def refused_range(environment: Environment) -> Iterator[Finding | NotChecked]:
    """EC2 refuses ranges that overlap, lie outside of the VPC, or are too large or too small: the apply stops."""
    terraform = environment.terraform
    if terraform is None:
        return
    told: set[tuple[str, int]] = set()
    spaces: dict[str, list[tuple[Block, IPv4Network]]] = defaultdict(list)
    subnets: dict[str, list[tuple[Block, IPv4Network]]] = defaultdict(list)
    for type_, into in (*((each, spaces) for each in _OF_VPCS), ("aws_subnet", subnets)):
        for block in terraform.resources(type_):
            network = _network(block.text("cidr_block"))
            if network is not None:
                into[block.text("vpc_id") if type_ != "aws_vpc" else block.id].append((block, network))
    for found in (spaces, subnets):
        for of_vpc in found.values():
            yield from _sizes(terraform, of_vpc, told)
            yield from _overlaps(terraform, of_vpc, told)
    for vpc, of_vpc in subnets.items():
        known = [network for _, network in spaces[vpc]]
        whole = all(block.text("cidr_block") for type_ in _OF_VPCS for block in terraform.resources(type_))
        for block, network in of_vpc if known and whole else ():
            if not any(network.subnet_of(each) for each in known):
                ranges = " and ".join(map(str, known))
                yield from _told(
                    terraform,
                    block,
                    told,
                    f"{block.address} has {network}, which lies outside of its VPC: that has {ranges}",
                    "choose a range inside the VPC",
                )


def _network(value: str) -> IPv4Network | None:
    try:
        return IPv4Network(value)
    except ValueError:
        return None  # not known, or of the other version


def _sizes(
    terraform: Terraform, blocks: list[tuple[Block, IPv4Network]], told: set[tuple[str, int]]
) -> Iterator[Finding]:
    for block, network in blocks:
        if not _SHORTEST <= network.prefixlen <= _LONGEST:
            yield from _told(
                terraform,
                block,
                told,
                f"{block.address} has {network}: EC2 takes ranges from /{_SHORTEST} to /{_LONGEST}",
                f"choose a range from /{_SHORTEST} to /{_LONGEST}",
            )


def _overlaps(
    terraform: Terraform, blocks: list[tuple[Block, IPv4Network]], told: set[tuple[str, int]]
) -> Iterator[Finding]:
    ordered = sorted(blocks, key=lambda each: (int(each[1].network_address), each[1].prefixlen))
    widest = ordered[:1]
    for block, network in ordered[1:]:
        other, range_ = widest[0]
        if network.overlaps(range_):
            # The one whose resource comes later in its file is told of: it was added to the other.
            later, earlier = sorted(((block, network), (other, range_)), key=lambda each: each[0].first, reverse=True)
            yield from _told(
                terraform,
                later[0],
                told,
                f"{later[0].address} has {later[1]}, which overlaps {earlier[1]} of {earlier[0].address}",
                "choose ranges that do not overlap",
            )
        if network.broadcast_address > range_.broadcast_address:
            widest[0] = (block, network)


def _told(terraform: Terraform, block: Block, told: set[tuple[str, int]], message: str, fix: str) -> Iterator[Finding]:
    if (block.file, block.first) not in told:
        told.add((block.file, block.first))
        yield Finding(at=_at(terraform, block), message=message, fix=fix)


def _at(terraform: Terraform, block: Block) -> Address:
    """Return where the range is written: in the environment's variables where one of them is the range."""
    variable = next((name for name, value in terraform.given.items() if value == block.text("cidr_block")), "")
    return terraform.variable_at(variable) if variable else block.at(("cidr_block",))
