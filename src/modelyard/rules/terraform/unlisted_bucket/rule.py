"""Policies that read objects of buckets that they may not list."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Block, Environment


@rule("terraform/unlisted-bucket", error, since="0.1.0")
def unlisted_bucket(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Loaders list the bucket to find weights; without s3:ListBucket they find no files."""
    terraform = environment.terraform
    for block in terraform.data("aws_iam_policy_document") if terraform is not None else ():
        statements = block.nested("statement")
        if not any(_allows(each, "s3:GetObject") for each in statements):
            continue
        if _is_complete(block) and not any(_allows(each, "s3:ListBucket") for each in statements):
            yield Finding(
                at=block.at(("s3:GetObject",)),
                message=f"{block.address} allows s3:GetObject but not s3:ListBucket",
                fix="add a statement with s3:ListBucket on the bucket itself, without /*",
            )


def _allows(statement: dict[str, Any], action: str) -> bool:
    actions = statement.get("actions")
    if statement.get("effect", "Allow") != "Allow" or not isinstance(actions, list):
        return False
    return any(isinstance(each, str) and fnmatchcase(action.lower(), each.lower()) for each in actions)


def _is_complete(block: Block) -> bool:
    """Return whether the document shows all of its statements."""
    return not any(
        word in block.source for word in ("source_policy_documents", "override_policy_documents", "dynamic ")
    )
