"""Roles that lack what their callers ask AWS for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from modelyard.catalog import aws_rights
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both, either, near_words
from modelyard.view import Block, Environment, LineAddress, Terraform, association

_ACTION = re.compile(r'"([a-z0-9-]+:[A-Za-z*]+)"')
_OF_KARPENTER = re.compile(r'"karpenter"\s*:\s*"')
# What is kept by a key of the environment's own, and the right that reads it.
_ENCRYPTED = {
    "s3:GetObject": ("aws_s3_bucket_server_side_encryption_configuration", "kms_master_key_id"),
    "secretsmanager:GetSecretValue": ("aws_secretsmanager_secret", "kms_key_id"),
}
_BUCKET = re.compile(r"arn:[a-z-]*:s3:::[^/*]+")
_OBJECTS = re.compile(r"arn:[a-z-]*:s3:::[^/*]+/.*")
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html, read 2026-12-01
_OF_OBJECTS = frozenset(
    f"s3:{each}"
    for each in (
        *("AbortMultipartUpload", "DeleteObject", "DeleteObjectVersion", "GetObject", "GetObjectAttributes"),
        *("GetObjectTagging", "GetObjectVersion", "ListMultipartUploadParts", "PutObject", "PutObjectTagging"),
    )
)
_OF_BUCKETS = frozenset(
    f"s3:{each}"
    for each in (
        *("GetBucketLocation", "GetBucketTagging", "GetBucketVersioning", "ListBucket", "ListBucketMultipartUploads"),
        *("ListBucketVersions", "PutBucketPolicy"),
    )
)
_CNI = ("kube-system", "aws-node")
_DECRYPT = "kms:Decrypt"


@rule("terraform/incomplete-rights", error, since="0.1.0")
def incomplete_rights(environment: Environment) -> Iterator[Finding | NotChecked]:
    """One missing permission is enough: no node starts, no image is pulled, or no weights are read."""
    terraform = environment.terraform
    if terraform is None:
        return
    yield from _karpenter(environment, terraform)
    yield from _nodes(terraform)
    yield from _network(terraform)
    yield from _decryption(terraform)
    yield from _objects(terraform)


def _karpenter(environment: Environment, terraform: Terraform) -> Iterator[Finding]:
    version = str(terraform.variable("karpenter_version") or "")
    for file, text in terraform.texts():
        if not file.endswith(".json.tftpl") or not _OF_KARPENTER.search(text):
            continue
        if version and file.rpartition("/")[2] != f"{version}.json.tftpl":
            continue
        allowed = set(_ACTION.findall(text))
        lacking = [each for each in aws_rights().karpenter if not _is_among(each, allowed)]
        if lacking:
            yield Finding(
                at=LineAddress(environment.repository.files, file, sought=('"policies"',)),
                message=f"Karpenter is not allowed {both(lacking)}",
                fix=f"add {both(lacking)}, as in Karpenter's reference",
            )


def _is_among(action: str, allowed: set[str]) -> bool:
    return any(fnmatchcase(action.lower(), each.lower()) for each in allowed)


def _nodes(terraform: Terraform) -> Iterator[Finding]:
    attached: dict[str, set[str | None]] = defaultdict(set)
    for block in terraform.resources("aws_iam_role_policy_attachment"):
        policy = block.values.get("policy_arn")
        attached[block.text("role")].add(policy.rpartition("/")[2] if isinstance(policy, str) else None)
    entries = [each for each in terraform.resources("aws_eks_access_entry") if each.text("type") == "EC2_LINUX"]
    named = [each.values.get("principal_arn") for each in entries]
    named += [each.values.get("node_role_arn") for each in terraform.resources("aws_eks_node_group")]
    roles = {role.address: role for role in map(terraform.named, named) if role is not None}
    for role in roles.values():
        policies = attached.get(role.text("name"), set())
        if not policies or None in policies or role.values.get("managed_policy_arns"):
            continue  # attached elsewhere, or known when Terraform runs
        for group in aws_rights().node:
            # terraform/unknown-aws-name says what is misspelt.
            misspelt = any(near_words(each or "", group, cutoff=0.955) for each in policies)
            if not policies & set(group) and not misspelt:
                yield Finding(
                    at=_attachment(terraform, role).at(("for_each",)),
                    message=f"nodes use the role {role.text('name')}, which has none of {either(group)} attached",
                    fix=f"attach {group[0]}",
                )


def _network(terraform: Terraform) -> Iterator[Finding]:
    """Yield the add-on for the VPC's network where neither its own role nor that of the nodes may make addresses.

    https://docs.aws.amazon.com/eks/latest/userguide/cni-iam-role.html, read 2026-12-01
    """
    addon = next((each for each in terraform.resources("aws_eks_addon") if each.text("addon_name") == "vpc-cni"), None)
    attached = [each.values.get("policy_arn") for each in terraform.resources("aws_iam_role_policy_attachment")]
    inline = [
        block for block in terraform.data("aws_iam_policy_document") if "ec2:AssignPrivateIpAddresses" in block.source
    ]
    names = {str(each).rpartition("/")[2] for each in attached}
    if addon is None or not attached or inline or names & {"AmazonEKS_CNI_Policy", "AmazonEKS_CNI_IPv6_Policy"}:
        return
    if any(each.text("service_account_role_arn") or each.mapping("pod_identity_association") for each in (addon,)):
        return
    if any(association(each) == _CNI for each in terraform.resources("aws_eks_pod_identity_association")):
        return  # by a policy of the account's own
    nodes = [terraform.named(each.values.get("node_role_arn")) for each in terraform.resources("aws_eks_node_group")]
    known = {each.text("role") for each in terraform.resources("aws_iam_role_policy_attachment")}
    if nodes and all(each is not None and each.text("name") in known for each in nodes):
        yield Finding(
            at=_identity(terraform, addon).at(("aws-node",)),
            message="add-on vpc-cni runs as kube-system/aws-node, and no role of it or of the nodes has "
            "AmazonEKS_CNI_Policy: pods get no addresses",
            fix="associate kube-system/aws-node with a role that has AmazonEKS_CNI_Policy",
        )


def _identity(terraform: Terraform, other: Block) -> Block:
    """Return the resource that associates accounts with roles; another where there is none."""
    return next(iter(terraform.resources("aws_eks_pod_identity_association")), other)


def _attachment(terraform: Terraform, role: Block) -> Block:
    found = (
        each for each in terraform.resources("aws_iam_role_policy_attachment") if each.text("role") == role.text("name")
    )
    return next(found, role)


def _decryption(terraform: Terraform) -> Iterator[Finding]:
    encrypted = {
        action
        for action, (type_, key) in _ENCRYPTED.items()
        if any(_has_key(block, key) for block in terraform.resources(type_))
    }
    for block in terraform.data("aws_iam_policy_document"):
        source = block.source
        if any(word in source for word in ("source_policy_documents", "override_policy_documents", "dynamic ")):
            continue
        statements = [each for each in block.nested("statement") if each.get("effect", "Allow") == "Allow"]
        # A document about a resource says who may, not what a role may.
        if any("principals" in each for each in statements):
            continue
        for action in sorted(encrypted):
            reads = any(_allows(each, action) for each in statements)
            if reads and not any(_allows(each, _DECRYPT) for each in statements):
                yield Finding(
                    at=block.at((action,)),
                    message=f"{block.address} allows {action} but not {_DECRYPT}, although the data is "
                    "encrypted with a key of the environment",
                    fix=f"add a statement with {_DECRYPT} on the key",
                )


def _objects(terraform: Terraform) -> Iterator[Finding]:
    """Yield statements about objects that name a bucket, or about buckets that name objects: they allow nothing."""
    for block in terraform.data("aws_iam_policy_document"):
        for statement in block.nested("statement"):
            resources, actions = statement.get("resources"), statement.get("actions")
            if not isinstance(resources, list) or not isinstance(actions, list) or not all(resources or [None]):
                continue
            if statement.get("effect", "Allow") != "Allow" or not resources:
                continue
            named = [str(each) for each in resources]
            whole = {"s3:*", "*"} & {str(each) for each in actions}
            for action in () if whole else map(str, actions):
                if action in _OF_OBJECTS and all(_BUCKET.fullmatch(each) for each in named):
                    yield Finding(
                        at=block.at((action,)),
                        message=f"{block.address} allows {action} on {named[0]}, which is a bucket, not an object",
                        fix=f"write {named[0]}/*",
                    )
                elif action in _OF_BUCKETS and all(_OBJECTS.fullmatch(each) for each in named):
                    yield Finding(
                        at=block.at((action,)),
                        message=f"{block.address} allows {action} on {named[0]}, which are objects, not a bucket",
                        fix=f"write {named[0].partition('/')[0]}",
                    )


def _has_key(block: Block, key: str) -> bool:
    return f"{key} " in block.source or f"{key}=" in block.source


def _allows(statement: dict[str, Any], action: str) -> bool:
    actions = statement.get("actions")
    return isinstance(actions, list) and any(
        isinstance(each, str) and fnmatchcase(action.lower(), each.lower()) for each in actions
    )
