"""Nodes with public addresses."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.graph import graph
from modelyard.rules import rule
from modelyard.view import Block, Environment


@rule("terraform/nodes-in-public-subnets", warning, since="0.1.0")
def nodes_in_public_subnets(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Karpenter uses every subnet with its tag; nodes in a public one are exposed, or have no egress."""
    told = set()
    for edge in graph(environment).of("looks for subnets"):
        for end in edge.targets:
            block = end.holder
            if not isinstance(block, Block) or not _is_public(block) or (block.file, block.first) in told:
                continue
            told.add((block.file, block.first))
            key = edge.wanted.name.partition("=")[0]
            yield Finding(
                at=block.at(("tags", key)),
                message=f"nodes start in the public subnets {block.resource}, which have the tag {key}",
                fix="tag private subnets only",
            )


def _is_public(subnet: Block) -> bool:
    return subnet.mapping("tags").get("kubernetes.io/role/elb") is not None or (
        subnet.values.get("map_public_ip_on_launch") is True
    )
