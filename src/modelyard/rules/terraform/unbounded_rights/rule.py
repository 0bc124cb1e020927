"""Rights to everything of a kind where what is meant can be named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Block, Environment

# Actions that read or change what others keep, or hand out a role, each with what names what is meant.
_NAMED = {
    "iam:PassRole": "the role's ARN",
    "kms:Decrypt": "the key's ARN, or a condition on kms:ViaService",
    "s3:DeleteObject": "the bucket's ARN",
    "s3:GetObject": "the bucket's ARN",
    "s3:PutObject": "the bucket's ARN",
    "secretsmanager:GetSecretValue": "the secrets' ARNs",
    "ssm:GetParameter": "the parameters' ARNs",
    "sts:AssumeRole": "the role's ARN",
}
_VIA = "kms:ViaService"


@rule("terraform/unbounded-rights", warning, since="0.3.0")
def unbounded_rights(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A pod that can read every secret or object, or pass every role, gives an attacker control of the account."""
    terraform = environment.terraform
    seen: set[tuple[str, int]] = set()
    for block in terraform.data("aws_iam_policy_document") if terraform is not None else ():
        if (block.file, block.first) in seen:
            continue
        seen.add((block.file, block.first))
        for statement in block.nested("statement"):
            if str(statement.get("effect") or "Allow") != "Allow" or statement.get("principals"):
                continue
            yield from _everything(block, statement)
            yield from _of_another_service(block, statement)


def _everything(block: Block, statement: dict[str, Any]) -> Iterator[Finding]:
    if statement.get("resources") != ["*"] or statement.get("condition"):
        return
    wide = [each for each in _actions(statement) if each in _NAMED]
    if wide:
        yield Finding(
            at=block.at((wide[0], "resources")),
            message=f"{block.address} allows {both(wide)} on every resource of the account",
            fix=f"use {_NAMED[wide[0]]} in resources",
        )


def _of_another_service(block: Block, statement: dict[str, Any]) -> Iterator[Finding]:
    """Yield keys that may be used through a service alone that the document gives no right to."""
    conditions = statement.get("condition")
    written = conditions if isinstance(conditions, list) else [conditions]
    services = {
        str(value).split(".", 1)[0]
        for each in written
        if isinstance(each, dict) and each.get("variable") == _VIA and str(each.get("test")) == "StringEquals"
        for value in each.get("values") or []
        if value
    }
    if not services or block.values.get("source_policy_documents") or "dynamic " in block.source:
        return
    used = {action.partition(":")[0] for other in block.nested("statement") for action in _actions(other)} - {"kms"}
    if used and not services & used and all(_actions(other) for other in block.nested("statement")):
        yield Finding(
            at=block.at((_VIA, "values")),
            message=f"{block.address} may use the key only through {both(sorted(services))}, but has "
            f"permissions only in {both(sorted(used))}",
            fix=f"name {min(used)}.<region>.amazonaws.com",
        )


def _actions(statement: dict[str, Any]) -> list[str]:
    return [str(each) for each in statement.get("actions") or []]
