"""Resources of a loop that all get what only one can have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.written_terraform import Fault, findings_of_texts
from modelyard.view import Environment
from modelyard.view.terraform.arguments import written_blocks

# Arguments that name a resource within its account or parent, or take what can be given once.
_UNIQUE = {
    "aws_cloudwatch_event_rule": "name",
    "aws_cloudwatch_log_group": "name",
    "aws_ecr_repository": "name",
    "aws_efs_mount_target": "subnet_id",  # one a zone: MountTargetConflict
    "aws_eks_access_entry": "principal_arn",
    "aws_eks_addon": "addon_name",
    "aws_eks_node_group": "node_group_name",
    "aws_eks_pod_identity_association": "service_account",
    "aws_iam_policy": "name",
    "aws_iam_role": "name",
    "aws_kms_alias": "name",
    "aws_launch_template": "name",
    "aws_nat_gateway": "allocation_id",
    "aws_route_table_association": "subnet_id",
    "aws_s3_bucket": "bucket",
    "aws_secretsmanager_secret": "name",
    "aws_security_group": "name",
    "aws_sqs_queue": "name",
    "aws_subnet": "cidr_block",
}
# What else tells such resources apart.
_BESIDE = {
    "aws_eks_pod_identity_association": ("namespace",),
    "aws_efs_mount_target": ("file_system_id",),
    "aws_route_table_association": ("gateway_id",),
    "aws_subnet": ("vpc_id",),
    "aws_security_group": ("vpc_id",),
}
_OF_EACH = re.compile(r"\b(?:each|count)\.")
_CHOSEN = re.compile(r"\?\s{0,99}(?:\{[^}]{0,400}\}\s{0,99}:\s{0,99}\{|\[|toset)")
_ONE_OR_NONE = re.compile(
    r"\?\s*(?:1|0|0\s*:\s*1|1\s*:\s*0)\b|^[01]$|^local\.\w+$|^var\.\w+$|toset\(\[\s*\"[^\"]*\"\s*\]\)"
)


@rule("terraform/duplicate-in-loop", error, since="0.3.0")
def duplicate_in_loop(environment: Environment) -> Iterator[Finding | NotChecked]:
    """AWS makes the first resource of a loop and refuses the others, which have its name or its place."""
    yield from findings_of_texts(environment, _faults)


@lru_cache(maxsize=256)  # environments share their modules
def _faults(text: str) -> tuple[Fault, ...]:
    found = []
    for block in written_blocks(text):
        argument = _UNIQUE.get(block.type) if block.kind == "resource" else None
        given = {each.name: each for each in block.inner}
        loop = given.get("for_each") or given.get("count")
        if argument is None or argument not in given or loop is None or given[argument].inner is not None:
            continue
        if loop.name == "count" and _ONE_OR_NONE.search(loop.expression):
            continue
        told_apart = [given[name].expression for name in (argument, *_BESIDE.get(block.type, ())) if name in given]
        if any(_OF_EACH.search(each) for each in told_apart):
            continue
        if loop.name == "for_each" and (_ONE_OR_NONE.search(loop.expression) and "[" in loop.expression):
            continue
        if loop.name == "for_each" and _CHOSEN.search(loop.expression):
            continue  # one or none
        word = "each" if loop.name == "for_each" else "count"
        message = f"{block.type}.{block.name} is made for each of a loop, and all have the same {argument}"
        found.append(
            (
                given[argument].line,
                argument,
                message,
                f"write {argument} by {word}.{'value' if word == 'each' else 'index'}",
            )
        )
    return tuple(found)
