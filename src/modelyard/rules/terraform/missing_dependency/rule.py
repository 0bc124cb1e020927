"""Resources that AWS makes in an order which Terraform is not told."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, LineAddress
from modelyard.view.terraform.arguments import WrittenArgument, WrittenBlock, written_blocks

_NAME = re.compile(r"(?<![\w.])(aws_\w+)\.[A-Za-z_][\w-]*")
_REFERENCE = re.compile(r"(?<![\w.])\w+\.[\w-]+")
# What must be there first, with what happens else. Pages of AWS's provider for each resource, and EKS's user guide.
_ORDERS = (
    (
        "aws_eks_node_group",
        "aws_iam_role_policy_attachment",
        "nodes that start before their role has its policies do not join",
    ),
    ("aws_eks_node_group", "aws_eks_addon", "nodes wait for the VPC CNI, and add-ons that come later wait for nodes"),
    ("aws_eks_cluster", "aws_iam_role_policy_attachment", "EKS refuses a cluster whose role has no policy yet"),
    ("aws_eip", "aws_internet_gateway", "an address of a VPC needs its internet gateway"),
    ("aws_s3_bucket_policy", "aws_s3_bucket_public_access_block", "S3 refuses two changes of a bucket at once"),
    ("aws_s3_bucket_lifecycle_configuration", "aws_s3_bucket_versioning", "rules for old versions need versioning"),
)


@rule("terraform/missing-dependency", warning, since="0.3.0")
def missing_dependency(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Terraform makes what does not depend on each other at once: the apply fails now and then, or nodes never join."""
    terraform = environment.terraform
    if terraform is None:
        return
    made = {block.file.rpartition("/")[0] for block in terraform.of_mode("resource")}
    modules: dict[str, list[tuple[str, WrittenBlock]]] = defaultdict(list)
    for file, text in terraform.texts():
        if file.endswith(".tf") and file.rpartition("/")[0] in made:
            modules[file.rpartition("/")[0]] += [
                (file, each) for each in written_blocks(text) if each.kind == "resource"
            ]
    for blocks in modules.values():
        types = {block.type for _, block in blocks}
        reached = _reached([block for _, block in blocks])
        for type_, first, why in _ORDERS:
            for file, block in blocks:
                if block.type == type_ and first in types and first not in reached[f"{type_}.{block.name}"]:
                    yield Finding(
                        at=LineAddress(
                            environment.repository.files, file, block.line, block.line, (f'"{block.name}"',)
                        ),
                        message=f"{type_}.{block.name} does not depend on {_named(first, blocks)}: {why}",
                        fix=f"list {_named(first, blocks)} in depends_on",
                    )


def _named(type_: str, blocks: list[tuple[str, WrittenBlock]]) -> str:
    return next((f"{type_}.{block.name}" for _, block in blocks if block.type == type_), type_)


def _reached(blocks: list[WrittenBlock]) -> dict[str, set[str]]:
    """Return the types of what each block refers to, directly and through others of its module, by its name."""
    words = {f"{each.type}.{each.name}": " ".join(_expressions(each.inner)) for each in reversed(blocks)}
    named = {name: {*_REFERENCE.findall(text)} & words.keys() for name, text in words.items()}
    types = {name: {*_NAME.findall(text)} for name, text in words.items()}
    found: dict[str, set[str]] = {}
    for name in words:
        waiting, seen = [name], {name}
        while waiting:
            further = named[waiting.pop()] - seen
            seen |= further
            waiting += further
        found[name] = {type_ for each in seen for type_ in types[each]}
    return found


def _expressions(inner: tuple[WrittenArgument, ...]) -> Iterator[str]:
    for each in inner:
        if each.inner is not None:
            yield from _expressions(each.inner)
        else:
            yield each.expression
