"""Pods that upload to S3 as an account whose role may not write there."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import either
from modelyard.view import Block, Environment, PodTemplate, Terraform, association, listed, uploads

_PUT, _ENCRYPT = "s3:PutObject", "kms:GenerateDataKey"
_OBJECTS = ":s3:::"
_DOCUMENT = "aws_iam_policy_document"

Statement = dict[str, Any]


@rule("terraform/unwritable-bucket", error, since="0.3.0")
def unwritable_bucket(environment: Environment) -> Iterator[Finding | NotChecked]:
    """What a pod worked out is lost at its end when the role of its account may not write where it uploads."""
    terraform = environment.terraform
    blocks = terraform.resources("aws_eks_pod_identity_association") if terraform is not None else ()
    if terraform is None or not blocks or any(not name for block in blocks for name in association(block)):
        return
    roles = {association(block): terraform.named(block.values.get("role_arn")) for block in blocks}
    for namespace, templates in environment.pods_by_namespace.items():
        for template in templates:
            wanted = sorted({each for container in template.containers for each in uploads(container)})
            if wanted and environment.is_ours(template.manifest):
                account = str(template.spec.get("serviceAccountName") or "default")
                yield from _judge(environment, terraform, template, roles, (namespace, account), wanted)


def _judge(
    environment: Environment,
    terraform: Terraform,
    template: PodTemplate,
    roles: dict[tuple[str, str], Block | None],
    pair: tuple[str, str],
    wanted: list[str],
) -> Iterator[Finding | NotChecked]:
    namespace, account = pair
    at = template.manifest.at((*template.spec_path, "serviceAccountName"))
    if pair not in roles:
        there = {(environment.namespace_of(each), each.name) for each in environment.of_kind("ServiceAccount", "")}
        able = [
            name
            for (space, name), role in roles.items()
            if space == namespace
            and (space, name) in there
            and all(_may_write(_statements(terraform, role) or [], each) for each in wanted)
        ]
        if _assumes_a_role(environment, namespace, account):
            return
        yield Finding(
            at=at,
            message=f"{template.manifest} uploads to {wanted[0]} as service account {account} of namespace "
            f"{namespace}, which no Pod Identity association gives a role",
            fix=f"use the service account {either(sorted(able))}, which may write there"
            if able
            else f"add a role for service account {account} in terraform/modules/identity",
        )
        return
    statements = _statements(terraform, roles[pair])
    if statements is None:
        yield NotChecked(f"uploads of {template.manifest}", f"not every policy of service account {account} is known")
        return
    for each in wanted:
        if not _may_write(statements, each):
            yield Finding(
                at=at,
                message=f"{template.manifest} uploads to {each} as service account {account}, whose role may not write "
                "there",
                fix=f"allow {_PUT} there in terraform/modules/identity, or use an account that has it",
            )
            return
    if _encrypted(terraform) and not any(_allows(each, _ENCRYPT) for each in statements):
        yield Finding(
            at=at,
            message=f"{template.manifest} uploads to {wanted[0]}, which is encrypted with a key of the environment, as "
            f"service account {account}, whose role is not allowed {_ENCRYPT}",
            fix=f"allow {_ENCRYPT} on the key in terraform/modules/identity",
        )


def _assumes_a_role(environment: Environment, namespace: str, account: str) -> bool:
    return any(
        manifest.name == account
        and environment.namespace_of(manifest) == namespace
        and manifest.annotations.get("eks.amazonaws.com/role-arn")
        for manifest in environment.of_kind("ServiceAccount", "")
    )


def _statements(terraform: Terraform, role: Block | None) -> list[Statement] | None:
    """Return the statements of a role's policies; None where one is not known."""
    if role is None:
        return None
    name = role.text("name")
    attached = terraform.resources("aws_iam_role_policy_attachment")
    if not name or any(each.text("role") == name for each in attached):
        return None
    found: list[Statement] = []
    for policy in terraform.resources("aws_iam_role_policy"):
        if policy.text("role") != name:
            continue
        document = terraform.named(policy.values.get("policy"))
        if document is None or not _gather(terraform, document, found):
            return None
    return found


def _gather(terraform: Terraform, document: Block, found: list[Statement]) -> bool:
    """Add the statements of a document and of those that it is made of; return whether all are known."""
    if "dynamic " in document.source or "override_policy_documents" in document.source:
        return False
    found.extend(each for each in document.nested("statement") if each.get("effect", "Allow") == "Allow")
    for source in listed(document.values, "source_policy_documents"):
        other = terraform.named(source)
        if other is None or not _gather(terraform, other, found):
            return False
    return True


def _may_write(statements: list[Statement], address: str) -> bool:
    """Return whether statements allow an upload, as far as the address is known before the pod runs."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    key = key.partition("$")[0]
    for statement in statements:
        if not _allows(statement, _PUT):
            continue
        for resource in listed(statement, "resources"):
            allowed, _, pattern = str(resource).rpartition(_OBJECTS)[2].partition("/")
            if str(resource) != "*" and not ("$" in bucket or fnmatchcase(bucket, allowed)):
                continue
            begins, star, _ = pattern.partition("*")
            # What follows the known part of the key may be anything.
            if str(resource) == "*" or (star and key.startswith(begins)) or (not star and key == pattern and key):
                return True
    return False


def _allows(statement: Statement, action: str) -> bool:
    return any(
        isinstance(each, str) and fnmatchcase(action.lower(), each.lower()) for each in listed(statement, "actions")
    )


def _encrypted(terraform: Terraform) -> bool:
    return any(
        "kms_master_key_id" in block.source
        for block in terraform.resources("aws_s3_bucket_server_side_encryption_configuration")
    )
