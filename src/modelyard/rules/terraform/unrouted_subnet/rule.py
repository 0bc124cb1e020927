"""Subnets of nodes and pods from which nothing reaches AWS, registries or the control plane."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, LineAddress, Terraform
from modelyard.view.terraform.routes import WrittenSubnet, written_nats, written_subnets

_OF_NODES = ("karpenter.sh/discovery", "kubernetes.io/role/cni", "kubernetes.io/role/internal-elb")
_PUBLIC = "kubernetes.io/role/elb"


@rule("terraform/unrouted-subnet", error, since="0.3.0")
def unrouted_subnet(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without a route to the internet or endpoints, nodes do not join, and pods get no image and no credentials."""
    terraform = environment.terraform
    if terraform is None or terraform.variable("nat_gateways") == "none" or not terraform.resources("aws_subnet"):
        return
    alone = any(each.text("vpc_endpoint_type") == "Interface" for each in terraform.resources("aws_vpc_endpoint"))
    named = _of_node_groups(terraform)
    for folder, files in _folders(terraform).items():
        text = "\n".join(each for _, each in files)
        for subnet in written_subnets(text):
            is_used = any(key in subnet.tags for key in _OF_NODES) or f"{folder}:{subnet.name}" in named
            if is_used and _PUBLIC not in subnet.tags:
                yield from _of_subnet(environment, files, subnet, alone)
        yield from _of_nats(environment, files, text)


def _of_subnet(
    environment: Environment, files: list[tuple[str, str]], subnet: WrittenSubnet, alone: bool
) -> Iterator[Finding]:
    what = f"subnets aws_subnet.{subnet.name}, where nodes or pods run,"
    if not subnet.associated:
        yield Finding(
            at=_at(environment, files, subnet.line, f'"{subnet.name}"'),
            message=f"{what} have no route table of their own, and the VPC's main one leads nowhere",
            fix="associate them with the route table of their zone (aws_route_table_association)",
        )
    elif not subnet.ways and not alone:
        yield Finding(
            at=_at(environment, files, subnet.line, f'"{subnet.name}"'),
            message=f"{what} have a route table without a default route, so nothing there reaches the internet",
            fix="add a route to a NAT gateway, or use the private subnets",
        )
    elif subnet.ways == {"internet"} and not subnet.public_addresses:
        yield Finding(
            at=_at(environment, files, subnet.way_line),
            message=f"{what} have a default route to an internet gateway, which serves public addresses alone",
            fix="route to a NAT gateway (nat_gateway_id)",
        )


def _of_nats(environment: Environment, files: list[tuple[str, str]], text: str) -> Iterator[Finding]:
    subnets = {each.name: each for each in written_subnets(text)}
    for nat in written_nats(text):
        subnet = subnets.get(nat.subnet)
        if nat.private or subnet is None or "internet" in subnet.ways or "other" in subnet.ways:
            continue
        yield Finding(
            at=_at(environment, files, nat.line, f"aws_subnet.{nat.subnet}"),
            message=f"aws_nat_gateway.{nat.name} is in subnets aws_subnet.{nat.subnet}, which have no route "
            "to an internet gateway, so it forwards nothing",
            fix="place it in the public subnets",
        )


def _of_node_groups(terraform: Terraform) -> set[str]:
    """Return the blocks of subnets that node groups start in, by folder and name."""
    found = set()
    for group in terraform.resources("aws_eks_node_group"):
        ids = group.values.get("subnet_ids")
        for each in ids if isinstance(ids, list) else ():
            subnet = terraform.named(each)
            if subnet is not None and subnet.type == "aws_subnet":
                found.add(f"{subnet.file.rpartition('/')[0]}:{subnet.resource.rpartition('.')[2]}")
    return found


def _folders(terraform: Terraform) -> dict[str, list[tuple[str, str]]]:
    """Return the files of each module that makes subnets."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for file, text in terraform.texts():
        if file.endswith(".tf"):
            found[file.rpartition("/")[0]].append((file, text))
    made = {block.file.rpartition("/")[0] for block in terraform.resources("aws_subnet")}
    return {folder: files for folder, files in found.items() if folder in made}


def _at(environment: Environment, files: list[tuple[str, str]], line: int, sought: str = "") -> Address:
    """Return the address of a line of all files of a module, one after another."""
    for file, text in files:
        count = text.count("\n") + 1
        if line <= count:
            return LineAddress(environment.repository.files, file, line, line, (sought,) if sought else ())
        line -= count
    return LineAddress(environment.repository.files, files[0][0])
