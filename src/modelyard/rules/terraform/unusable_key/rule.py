"""Log groups with a key that CloudWatch Logs may not use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Block, Environment

_CONTEXT = "kms:EncryptionContext:aws:logs:arn"


@rule("terraform/unusable-key", error, since="0.3.0")
def unusable_key(environment: Environment) -> Iterator[Finding | NotChecked]:
    """CloudWatch Logs makes no log group with a key whose policy does not let the service use it for that group."""
    terraform = environment.terraform
    if terraform is None:
        return
    groups: dict[str, list[Block]] = defaultdict(list)
    for block in terraform.resources("aws_cloudwatch_log_group"):
        groups[block.text("kms_key_id")].append(block)
    for key_id, of_key in groups.items():
        key = terraform.named(key_id)
        policy = terraform.named(key.values.get("policy")) if key is not None else None
        if key is None or policy is None or policy.type != "aws_iam_policy_document":
            continue
        if "source_policy_documents" in policy.source or "override_policy_documents" in policy.source:
            continue
        statements = [each for each in policy.nested("statement") if _lets_logs(each)]
        if not statements:
            names = both(sorted(each.text("name") for each in of_key))
            yield Finding(
                at=of_key[0].at(("kms_key_id",)),
                message=f"log group {names} has the key {key.address}, whose policy does not let in CloudWatch Logs",
                fix="use a key whose policy lets logs.<region>.amazonaws.com use it, or add that statement",
            )
            continue
        named = [_named(each) for each in statements]
        if all(each is not None for each in named) and sum(each or 0 for each in named) < len(of_key):
            names = both(sorted(each.text("name") for each in of_key))
            yield Finding(
                at=policy.at((_CONTEXT,)),
                message=f"{len(of_key)} log groups have the key {key.address} ({names}), and its policy names "
                f"{sum(each or 0 for each in named)} in {_CONTEXT}",
                fix="name each of these log groups there",
            )


def _lets_logs(statement: dict[str, Any]) -> bool:
    principals = statement.get("principals")
    return statement.get("effect", "Allow") == "Allow" and any(
        str(name) == "*" or str(name).startswith("logs.") or not name
        for each in (principals if isinstance(principals, list) else [principals])
        if isinstance(each, dict)
        for name in each.get("identifiers") or [""]
    )


def _named(statement: dict[str, Any]) -> int | None:
    """Return how many log groups a statement names; None where it may be for any number."""
    conditions = statement.get("condition")
    for each in conditions if isinstance(conditions, list) else [conditions]:
        if isinstance(each, dict) and each.get("variable") == _CONTEXT:
            values = each.get("values")
            if isinstance(values, list) and not any("*" in str(value) for value in values):
                return len(values)
    return None
