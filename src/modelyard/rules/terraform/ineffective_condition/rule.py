"""Conditions of IAM documents that hold for no request, or that IAM refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from modelyard.catalog import condition_keys, condition_operators
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import either, nearest
from modelyard.view import Environment, LineAddress, Terraform
from modelyard.view.terraform.conditions import WrittenCondition, written_conditions

_INTERPOLATION = re.compile(r"(?<!\$)\$\{[^{}]*\}")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_ADDRESS = re.compile(r"[\d.]+(?:/\d+)?|[0-9A-Fa-f:]+(?:/\d+)?")
_HOST = re.compile(r"(?:[\w-]+\.)+[a-z]{2,}(?:/[\w/-]*)?")
# What a token of the web says of its audience and its subject; other claims are the provider's.
_CLAIMS = {"audience": "aud", "audiences": "aud", "client_id": "aud", "subject": "sub", "subjects": "sub"}

# kms:ViaService always holds a region: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
_WITHOUT_REGION = re.compile(r"[a-z0-9-]+\.amazonaws\.com")
# Tags of EKS Pod Identity's sessions: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
_OF_PODS = frozenset(
    (
        *("eks-cluster-arn", "eks-cluster-name", "kubernetes-namespace", "kubernetes-service-account"),
        *("kubernetes-pod-name", "kubernetes-pod-uid"),
    )
)
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html, read 2026-12-01
_LOGS = "kms:encryptioncontext:aws:logs:arn"
_TAGS = ("aws:RequestTag/", "aws:PrincipalTag/")

_Fault = tuple[int, str, str, str]
"""Line, what is looked for in it, message and fix."""


@rule("terraform/ineffective-condition", error, since="0.3.0")
def ineffective_condition(environment: Environment) -> Iterator[Finding | NotChecked]:
    """IAM refuses an operator that it does not have; a key that no request carries makes a statement allow nothing."""
    terraform = environment.terraform
    files = environment.repository.files
    for file, text in terraform.texts() if terraform is not None else ():
        for line, sought, message, fix in _faults(text):
            yield Finding(at=LineAddress(files, file, line, line, (sought,)), message=message, fix=fix)
    yield from _over_tls(terraform) if terraform is not None else ()
    yield from _of_buses(terraform) if terraform is not None else ()


def _of_buses(terraform: Terraform) -> Iterator[Finding]:
    """Yield rules of EventBridge that are named with a bus, where there is none but the default one.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html, read 2026-12-01
    """
    if terraform.resources("aws_cloudwatch_event_bus") or not terraform.resources("aws_cloudwatch_event_rule"):
        return
    for file, text in terraform.texts():
        for condition in written_conditions(text):
            for value in condition.values if condition.key.lower() == "aws:sourcearn" else ():
                name = _INTERPOLATION.sub("x", value).partition(":rule/")[2]
                if ":events:" in value and "/" in name:
                    line = condition.lines[2]
                    yield Finding(
                        at=LineAddress(terraform.files, file, line, line, (value,)),
                        message=f"{condition.key} is {value}, the ARN of a rule of another bus, and Terraform "
                        "makes no bus: it never holds",
                        fix="write :rule/ and the name of the rule",
                    )


def _over_tls(terraform: Terraform) -> Iterator[Finding]:
    """Yield statements that deny what comes over TLS: everything."""
    seen: set[tuple[str, int]] = set()
    for block in terraform.data("aws_iam_policy_document"):
        for statement in block.nested("statement"):
            conditions = statement.get("condition")
            for each in conditions if isinstance(conditions, list) else [conditions]:
                secure = isinstance(each, dict) and each.get("variable") == "aws:SecureTransport"
                if not secure or statement.get("effect") != "Deny" or (block.file, block.first) in seen:
                    continue
                if isinstance(each, dict) and [str(value).lower() for value in each.get("values") or ()] == ["true"]:
                    seen.add((block.file, block.first))
                    yield Finding(
                        at=block.at(("aws:SecureTransport", "true")),
                        message=f"{block.address} denies aws:SecureTransport true: AWS is called over TLS "
                        "alone, so nothing is allowed",
                        fix='write values = ["false"]',
                    )


@lru_cache(maxsize=256)  # environments share their modules
def _faults(text: str) -> tuple[_Fault, ...]:
    return tuple(fault for each in written_conditions(text) for fault in _of(each))


def _of(condition: WrittenCondition) -> Iterator[_Fault]:
    operator = condition.operator.rpartition(":")[2].removesuffix("IfExists")
    quantifier = condition.operator.rpartition(":")[0]
    known = condition_operators()
    if condition.operator and (operator not in known or quantifier not in ("", "ForAllValues", "ForAnyValue")):
        near = nearest(operator, known) if operator not in known else f"ForAnyValue:{operator}"
        yield (
            condition.lines[0],
            condition.operator,
            f"IAM has no operator {condition.operator}",
            f"write {near}" if near else "write an operator of IAM, such as StringEquals",
        )
        operator = ""
    yield from _of_key(condition)
    yield from _of_values(condition, operator)


def _of_key(condition: WrittenCondition) -> Iterator[_Fault]:
    written = _INTERPOLATION.sub("x.example", condition.key)
    prefix, colon, name = written.partition(":")
    tag = next((condition.key.removeprefix(each) for each in _TAGS if condition.key.startswith(each)), "")
    if tag.startswith(("kubernetes-", "eks-")) and tag not in _OF_PODS and (near := nearest(tag, _OF_PODS)):
        yield (
            condition.lines[1],
            condition.key,
            f"no session of EKS Pod Identity has the tag {tag}, so the condition never holds",
            f"write {condition.key.removesuffix(tag)}{near}",
        )
        return
    if not colon or prefix.startswith("x.example/"):
        return
    keys, near, spelt = condition_keys(), "", prefix
    if prefix.lower() in keys:
        known = keys[prefix.lower()]
        low = name.lower()
        if low in known or any(each.endswith("*") and low.startswith(each[:-1]) for each in known):
            return
        near = nearest(low.partition("/")[0], {each.rstrip("*").rstrip("/:") for each in known}, cutoff=0.7)
        near = f"{prefix}:{near}{name[len(name.partition('/')[0]) :]}" if near else ""
    elif _HOST.fullmatch(prefix):
        claim = _CLAIMS.get(name.lower())
        if claim is None:
            return
        near = f"{condition.key.rpartition(':')[0]}:{claim}"
    elif not (spelt := nearest(prefix.lower(), keys, cutoff=0.75)):
        return  # of a service that is not known
    else:
        near = f"{spelt}:{name}"
    yield (
        condition.lines[1],
        condition.key,
        f"no request carries the key {condition.key}, so the condition never holds",
        f"write {near}" if near else "write the key as AWS's service authorization reference has it",
    )


def _of_values(condition: WrittenCondition, operator: str) -> Iterator[_Fault]:
    for value in condition.values:
        if condition.key.lower() == _LOGS and value.endswith(":*"):
            yield (
                condition.lines[2],
                value,
                f"{_LOGS} is the ARN of the log group without :*, so it is never {value}",
                f"write {value.removesuffix(':*')}",
            )
            continue
        if "${" in value or "&{" in value or "%{" in value:
            continue
        expected = _expected(operator, value)
        if condition.key.lower() == "kms:viaservice" and _WITHOUT_REGION.fullmatch(value):
            service = value.partition(".")[0]
            yield (
                condition.lines[2],
                value,
                f"kms:ViaService holds the region too, so it is never {value}",
                f"write {service}.${{var.region}}.amazonaws.com",
            )
        elif operator in ("StringEquals", "StringEqualsIgnoreCase") and re.search(r"[*?]", value):
            yield (
                condition.lines[0],
                condition.operator,
                f"{condition.operator} compares {condition.key} with {value} letter by letter; it never holds",
                f"write {condition.operator.replace(operator, 'StringLike')}",
            )
        elif expected:
            yield (
                condition.lines[2],
                value,
                f"{condition.operator} compares {condition.key} with {value}, where IAM expects {expected}",
                f"write {expected}",
            )


def _expected(operator: str, value: str) -> str:
    if operator in ("Bool", "Null"):
        return "" if value.lower() in ("true", "false") else either(("true", "false"))
    if operator.startswith("Numeric"):
        return "" if _NUMBER.fullmatch(value) else "a number"
    if operator.endswith("IpAddress"):
        return "" if _ADDRESS.fullmatch(value) else "an address or a range such as 203.0.113.0/24"
    if operator.startswith("Arn"):
        return "" if value == "*" or value.startswith(("arn:", "*")) else "an ARN"
    return ""
