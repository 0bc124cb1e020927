"""Roles of AWS: which policies they have, and what those allow on which bucket, secret or queue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.graph.edges import Choice, Definition, End, ObjectRef, Reference
from modelyard.rendering import Path
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.view.shapes import listed, text
from modelyard.view.terraform import Block, Terraform

_KINDS = {"s3": "aws_s3_bucket", "secretsmanager": "aws_secretsmanager_secret", "sqs": "aws_sqs_queue"}
"""By the service in an ARN."""


def permissions(terraform: Terraform) -> Iterator[Definition | Reference]:
    """Yield the policies of each role, and what each policy allows."""
    for block in terraform.data("aws_iam_policy_document"):
        yield Definition(End(_document(block), block))
        yield from _allowed(terraform, block)
        for each in listed(dict(block.values), "source_policy_documents"):
            other = terraform.named(each)
            if other is not None:
                end = End(_document(block), block, ("source_policy_documents",))
                yield Reference("adds to", end, _document(other))
    for block in terraform.resources("aws_iam_policy"):
        yield from _held(terraform, block, ObjectRef("aws_iam_policy", block.text("name")), "holds")
    for block in terraform.resources("aws_iam_role_policy"):
        yield from _held(terraform, block, ObjectRef("aws_iam_role", block.text("role")), "has policy")
    for block in terraform.resources("aws_iam_role_policy_attachment"):
        yield from _attached(terraform, block)


def _document(block: Block) -> ObjectRef:
    return ObjectRef("aws_iam_policy_document", block.address)


def _held(terraform: Terraform, block: Block, node: ObjectRef, relation: str) -> Iterator[Definition | Reference]:
    """Yield the document of a policy; of one that is written as JSON, what it allows."""
    if not node.name:
        return
    policy = block.values.get("policy")
    document = terraform.named(policy)
    if document is not None:
        yield Reference(relation, End(node, block, (" policy ",)), _document(document))
        return
    try:
        content = parsed(policy) if isinstance(policy, str) else None
    except MalformedJSON:
        return
    for statement in _list(content.get("Statement") if isinstance(content, dict) else None):
        if isinstance(statement, dict) and text(statement, "Effect") == "Allow":
            actions, resources = _list(statement.get("Action")), _list(statement.get("Resource"))
            yield from _on(terraform, End(node, block, (" policy ",)), actions, resources)


def _attached(terraform: Terraform, block: Block) -> Iterator[Reference]:
    role, policy = block.text("role"), block.text("policy_arn")
    other = terraform.named(policy)
    name = other.text("name") if other is not None else policy.rpartition(":policy/")[2]
    if role and name and (other is not None or ":policy/" in policy):
        ours = other is not None or not policy.partition(":iam::")[2].startswith("aws:")
        end = End(ObjectRef("aws_iam_role", role), block, ("policy_arn",))
        elsewhere = "another configuration" if ours else "AWS"
        yield Reference("has policy", end, ObjectRef("aws_iam_policy", name), elsewhere=elsewhere)


def _allowed(terraform: Terraform, block: Block) -> Iterator[Reference]:
    for statement in block.nested("statement"):
        if text(statement, "effect") in ("", "Allow"):
            actions, resources = listed(statement, "actions"), listed(statement, "resources")
            path: Path = (text(statement, "sid") or "statement", "resources")
            yield from _on(terraform, End(_document(block), block, path), actions, resources)


def _on(terraform: Terraform, end: End, actions: list[Any], resources: list[Any]) -> Iterator[Reference]:
    """Yield what a statement allows on each resource that can be told; a name with a star tells none."""
    said = ", ".join(str(each) for each in actions[:3]) + (", …" if actions[3:] else "")
    found: dict[ObjectRef, None] = {}
    for resource in resources:
        node = _resource(terraform, resource) if isinstance(resource, str) else None
        if node is not None:
            found[node] = None
    for node in found:
        # Others' resources may be allowed too.
        yield Reference("allows", end, _allowing(node, said), optional=True)


def _allowing(node: ObjectRef, actions: str) -> Choice:
    return Choice(node._replace(part=actions), lambda index: index.named(node))


def _resource(terraform: Terraform, resource: str) -> ObjectRef | None:
    block = terraform.named(resource) or terraform.named(resource.rstrip("*").rstrip(":/"))
    if block is not None:
        name = block.text("bucket") or block.text("name")
        return ObjectRef(block.type, name) if block.type in _KINDS.values() and name else None
    parts = resource.split(":", 5)
    if len(parts) != 6 or parts[2] not in _KINDS:
        return None
    name = parts[5].partition("/")[0] if parts[2] == "s3" else parts[5].removeprefix("secret:")
    return ObjectRef(_KINDS[parts[2]], name) if name and "*" not in name else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
