"""Arguments that are given another identifier of a resource than they take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.written_terraform import Fault, findings_of_texts
from modelyard.view import Environment
from modelyard.view.terraform.arguments import walked_arguments, written_blocks

_READ = re.compile(
    r"\[?\s*(?P<of>(?:data\.)?aws_(?P<type>[a-z0-9_]+)\.[A-Za-z_][\w-]*(?:\[[^\[\]\n]*\])?)\.(?P<attribute>[a-z_]+)\s*,?\s*\]?"
)
# Attributes that are no ARN, whatever the resource is.
_NO_ARN = frozenset({"url", "name", "dns_name", "key_id", "unique_id", "endpoint", "domain_name", "bucket"})
# Resources whose `id` is no ARN: the provider's documentation, Attribute Reference.
_ID_NO_ARN = frozenset(
    {"s3_bucket", "sqs_queue", "iam_role", "kms_key", "eks_cluster", "efs_file_system", "fsx_lustre_file_system"}
    | {"subnet", "vpc", "security_group", "cloudwatch_log_group", "iam_instance_profile", "ecr_repository"}
)
# Arguments that take a name or an id, and the attribute that has it.
_NAMES = {
    ("aws_iam_role_policy_attachment", "role"): "name",
    ("aws_iam_role_policy", "role"): "id",
    ("aws_iam_instance_profile", "role"): "name",
    ("aws_eks_addon", "cluster_name"): "name",
    ("aws_eks_node_group", "cluster_name"): "name",
    ("aws_eks_access_entry", "cluster_name"): "name",
    ("aws_eks_access_policy_association", "cluster_name"): "name",
    ("aws_eks_pod_identity_association", "cluster_name"): "name",
    ("aws_sqs_queue_policy", "queue_url"): "url",
    ("aws_cloudwatch_event_target", "rule"): "name",
}
_IDS = frozenset({"vpc_id", "subnet_id", "subnet_ids", "security_group_id", "security_group_ids", "security_groups"})
# What the ARN of an argument begins with, behind partition: the type, the argument, service, region or none, resource.
_OF_SERVICE = {
    ("aws_eks_access_policy_association", "policy_arn"): (":eks::aws:cluster-access-policy/", ":iam::"),
    ("aws_iam_role_policy_attachment", "policy_arn"): (":iam::", ":eks::"),
}


@rule("terraform/wrong-identifier", error, since="0.3.0")
def wrong_identifier(environment: Environment) -> Iterator[Finding | NotChecked]:
    """AWS takes an ARN, an id or a name, not one for another: the apply stops, or a policy is about nothing."""
    yield from findings_of_texts(environment, _faults)


@lru_cache(maxsize=256)  # environments share their modules
def _faults(text: str) -> tuple[Fault, ...]:
    found = []
    for block in written_blocks(text):
        for path, each in walked_arguments(block.inner):
            if each.inner is not None:
                continue
            wanted = _OF_SERVICE.get((block.type, each.name))
            if wanted is not None and wanted[1] in each.expression and "arn:" in each.expression:
                message = f"{block.type}.{block.name} sets {each.name} to {each.expression}, an ARN of another service"
                found.append((each.line, each.expression, message, f"write arn:<partition>{wanted[0]}…"))
            read = _READ.fullmatch(each.expression)
            right = _right(block.type, path[-1], read) if read is not None else ""
            if read is not None and right:
                given = f"{read['of']}.{read['attribute']}"
                message = f"{block.type}.{block.name} sets {each.name} to {given}, and AWS takes the {right} there"
                found.append((each.line, given, message, f"write {read['of']}.{right}"))
    return tuple(found)


def _right(type_: str, argument: str, read: re.Match[str]) -> str:
    """Return the attribute that an argument takes; nothing where it may have that which it has."""
    attribute, named = read["attribute"], read["type"]
    if argument == "arn" or argument.endswith("_arn"):
        wrong = attribute in _NO_ARN or (attribute == "id" and named in _ID_NO_ARN)
        return "arn" if wrong and type_.startswith("aws_") else ""
    right = _NAMES.get((type_, argument))
    if right is not None and attribute == "arn":
        return right
    return "id" if argument in _IDS and attribute in ("arn", "name") and named in _ID_NO_ARN else ""
