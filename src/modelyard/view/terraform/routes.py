"""Which way out the subnets of a module have, as its blocks say.

Read from what is written: whether a way is there does not depend on how many zones an environment has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from modelyard.view.terraform.arguments import WrittenBlock, walked_arguments, written_blocks

_NAMED = re.compile(r"\baws_(subnet|route_table|default_route_table|nat_gateway|internet_gateway)\.([A-Za-z_][\w-]*)")
_EVERYWHERE = ('"0.0.0.0/0"', '"::/0"')
_WAYS = ("gateway_id", "nat_gateway_id", "transit_gateway_id", "network_interface_id", "vpc_peering_connection_id")


@dataclass(frozen=True, slots=True)
class WrittenSubnet:
    """The subnets that one block makes.

    Attributes:
        name: The block's name.
        line: Its first line, from 1.
        tags: Keys of its tags.
        public_addresses: Whether what starts in it has a public address.
        associated: Whether a block associates it with a route table of its own.
        ways: Where its default routes lead: `internet`, `nat` or `other`.
        way_line: Line of a default route; 0 where there is none.
    """

    name: str
    line: int
    tags: frozenset[str]
    public_addresses: bool
    associated: bool
    ways: frozenset[str]
    way_line: int


@dataclass(frozen=True, slots=True)
class WrittenNat:
    """A NAT gateway with the name of the block of its subnets; empty where it is not known."""

    name: str
    line: int
    subnet: str
    private: bool


@lru_cache(maxsize=64)
def written_subnets(text: str) -> tuple[WrittenSubnet, ...]:
    """Return the subnets of a module.

    Args:
        text: The files of the module, one after another.
    """
    blocks = [each for each in written_blocks(text) if each.kind == "resource"]
    tables = _tables(blocks)
    ways = _ways(blocks)
    main = any(each.type in ("aws_main_route_table_association", "aws_default_route_table") for each in blocks)
    found = []
    for block in blocks:
        if block.type != "aws_subnet":
            continue
        own = tables.get(block.name, set())
        led = [each for table in own for each in ways.get(table, ())]
        found.append(
            WrittenSubnet(
                block.name,
                block.line,
                frozenset(_tags(block)),
                _value(block, "map_public_ip_on_launch") == "true",
                bool(own) or main,
                frozenset(way for way, _ in led) if own or not main else frozenset({"other"}),
                min((line for _, line in led), default=0),
            )
        )
    return tuple(found)


@lru_cache(maxsize=64)
def written_nats(text: str) -> tuple[WrittenNat, ...]:
    """Return the NAT gateways of a module, given its files one after another."""
    return tuple(
        WrittenNat(
            block.name,
            next((each.line for each in block.inner if each.name == "subnet_id"), block.line),
            next(iter(_names(_value(block, "subnet_id"), "subnet")), ""),
            _value(block, "connectivity_type") == '"private"',
        )
        for block in written_blocks(text)
        if block.kind == "resource" and block.type == "aws_nat_gateway"
    )


def _tables(blocks: list[WrittenBlock]) -> dict[str, set[str]]:
    """Return the route tables of each subnet, by the blocks that associate them."""
    found: dict[str, set[str]] = {}
    for block in blocks:
        if block.type != "aws_route_table_association":
            continue
        whole = " ".join(each.expression for _, each in walked_arguments(block.inner))
        tables = set(_names(_value(block, "route_table_id"), "route_table"))
        tables |= set(_names(_value(block, "route_table_id"), "default_route_table"))
        for subnet in _names(whole, "subnet"):
            found.setdefault(subnet, set()).update(tables or {""})
    return found


def _ways(blocks: list[WrittenBlock]) -> dict[str, list[tuple[str, int]]]:
    """Return the default routes of each route table, with their lines."""
    found: dict[str, list[tuple[str, int]]] = {"": [("other", 0)]}
    for block in blocks:
        if block.type == "aws_route":
            for table in (
                *_names(_value(block, "route_table_id"), "route_table"),
                *_names(_value(block, "route_table_id"), "default_route_table"),
            ):
                arguments = {each.name: each.expression for each in block.inner}
                line = next((each.line for each in block.inner if each.name in _WAYS), block.line)
                found.setdefault(table, []).extend((way, line) for way in _way(arguments))
        elif block.type in ("aws_route_table", "aws_default_route_table"):
            for each in block.inner:
                if each.name == "route":
                    arguments = {inner.name: inner.expression for inner in each.inner or ()}
                    found.setdefault(block.name, []).extend((way, each.line) for way in _way(arguments) or ("other",))
    return found


def _way(arguments: dict[str, str]) -> Iterator[str]:
    """Yield where a route leads; a destination that is not written out may be everywhere."""
    to = arguments.get("destination_cidr_block", arguments.get("cidr_block", ""))
    if to.startswith('"') and "$" not in to and to not in _EVERYWHERE:
        return
    if arguments.get("nat_gateway_id"):
        yield "nat"
    elif _names(arguments.get("gateway_id", ""), "internet_gateway"):
        yield "internet"
    else:
        yield "other"


def _names(expression: str, kind: str) -> list[str]:
    return [name for found, name in _NAMED.findall(expression) if found == kind]


def _value(block: WrittenBlock, name: str) -> str:
    return next((each.expression for each in block.inner if each.name == name), "")


def _tags(block: WrittenBlock) -> list[str]:
    return re.findall(r'"([\w./-]+)"\s*=', _value(block, "tags"))
