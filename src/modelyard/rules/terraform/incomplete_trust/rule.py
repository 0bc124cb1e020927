"""Trust policies by which a role cannot be taken, or by which too many can take it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Block, Environment, Terraform

_PODS = "pods.eks.amazonaws.com"
_BY_PODS = ("sts:AssumeRole", "sts:TagSession")
# What EKS Pod Identity alone sets: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
_TAGS_OF_PODS = frozenset(
    f"aws:RequestTag/{name}" for name in ("eks-cluster-arn", "kubernetes-namespace", "kubernetes-service-account")
)
_WEB = "sts:AssumeRoleWithWebIdentity"
_NODES, _CLUSTER, _EVENTS = "ec2.amazonaws.com", "eks.amazonaws.com", "events.amazonaws.com"
_CLAIMS = ("aud", "sub")


@rule("terraform/incomplete-trust", error, since="0.1.0")
def incomplete_trust(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without the right actions and service nothing can assume a role; without a condition, strangers can."""
    terraform = environment.terraform
    if terraform is None:
        return
    seen: set[tuple[str, int]] = set()
    for block in terraform.data("aws_iam_policy_document"):
        if (block.file, block.first) in seen:
            continue
        seen.add((block.file, block.first))
        for statement in block.nested("statement"):
            yield from _by_pods(block, statement)
            yield from _by_web_identity(block, statement)
    yield from _of_services(terraform)
    yield from _of_queues(terraform)
    yield from _of_audiences(terraform)


def _of_queues(terraform: Terraform) -> Iterator[Finding]:
    """Yield policies of queues and topics that EventBridge sends to and that do not let it."""
    targets = {str(each.values.get("arn")) for each in terraform.resources("aws_cloudwatch_event_target")}
    for type_, reference in (("aws_sqs_queue_policy", "queue_url"), ("aws_sns_topic_policy", "arn")):
        for policy in terraform.resources(type_):
            document = terraform.named(policy.values.get("policy"))
            reached = terraform.named(policy.values.get(reference))
            if document is None or reached is None or not {reached.id, reached.text("arn")} & targets:
                continue
            allowing = [each for each in document.nested("statement") if each.get("effect", "Allow") == "Allow"]
            services = {name for statement in allowing for name in _services(statement)}
            if services and _EVENTS not in services:
                yield Finding(
                    at=document.at(("identifiers",)),
                    message=f"EventBridge sends to {reached.address}, which {document.address} lets "
                    f"{both(sorted(services))} alone write to",
                    fix=f"write {_EVENTS}",
                )


def _of_audiences(terraform: Terraform) -> Iterator[Finding]:
    """Yield providers of tokens that do not accept the audience that a trust policy asks for."""
    asked: set[str] = set()
    for block in terraform.data("aws_iam_policy_document"):
        for statement in block.nested("statement"):
            conditions = statement.get("condition") if _WEB in _actions(statement) else None
            for each in conditions if isinstance(conditions, list) else [conditions]:
                if isinstance(each, dict) and str(each.get("variable") or "").endswith(":aud"):
                    asked |= {str(value) for value in each.get("values") or () if value}
    for provider in terraform.resources("aws_iam_openid_connect_provider") if asked else ():
        accepted = provider.values.get("client_id_list")
        if isinstance(accepted, list) and all(accepted) and not asked & {str(each) for each in accepted}:
            yield Finding(
                at=provider.at(("client_id_list",)),
                message=f"{provider.resource} accepts tokens for {both(sorted(map(str, accepted)))}, and roles ask for "
                f"{both(sorted(asked))}",
                fix=f"list {both(sorted(asked))} in client_id_list",
            )


def _by_pods(block: Block, statement: dict[str, Any]) -> Iterator[Finding]:
    services = _services(statement)
    conditions = statement.get("condition")
    variables = {
        str(each.get("variable"))
        for each in (conditions if isinstance(conditions, list) else [conditions])
        if isinstance(each, dict)
    }
    if services and _PODS not in services and variables & _TAGS_OF_PODS:
        yield Finding(
            at=block.at(("identifiers",)),
            message=f"{block.address} has a condition on pod tags, but allows {both(sorted(services))} to "
            "assume the role",
            fix=f"write {_PODS}",
        )
    if _PODS not in services or statement.get("effect", "Allow") != "Allow":
        return
    actions = _actions(statement)
    lacking = [each for each in _BY_PODS if each not in actions and "sts:*" not in actions]
    if actions and lacking:
        yield Finding(
            at=block.at(("actions",)),
            message=f"{block.address} allows EKS Pod Identity to assume the role without {both(lacking)}",
            fix=f"allow {both(lacking)} too",
        )


def _by_web_identity(block: Block, statement: dict[str, Any]) -> Iterator[Finding]:
    if _WEB not in _actions(statement) or "dynamic " in block.source:
        return
    conditions = statement.get("condition")
    written = conditions if isinstance(conditions, list) else [conditions]
    variables = {str(each.get("variable") or "") for each in written if isinstance(each, dict)}
    if "" in variables:
        # The name holds the provider, which is known when Terraform runs; the end of it is written.
        variables |= {line.rstrip().rstrip('"') for line in block.source.splitlines() if "variable" in line}
    lacking = [claim for claim in _CLAIMS if not any(each.endswith(f":{claim}") for each in variables)]
    if lacking:
        yield Finding(
            at=block.at((_WEB,)),
            message=f"{block.address} accepts tokens of the provider without a condition on {both(lacking)}",
            fix=f"add a StringEquals condition on {both(lacking)}",
        )


def _of_services(terraform: Terraform) -> Iterator[Finding]:
    """Yield roles that nodes or the cluster take, and their service may not."""
    entries = [each for each in terraform.resources("aws_eks_access_entry") if each.text("type") == "EC2_LINUX"]
    named = [(each.values.get("principal_arn"), _NODES, "nodes take") for each in entries]
    named += [
        (each.values.get("node_role_arn"), _NODES, "nodes take") for each in terraform.resources("aws_eks_node_group")
    ]
    named += [
        (each.values.get("role_arn"), _CLUSTER, "the cluster uses") for each in terraform.resources("aws_eks_cluster")
    ]
    seen: set[str] = set()
    for reference, service, taken in named:
        role = terraform.named(reference)
        trust = terraform.named(role.values.get("assume_role_policy")) if role is not None else None
        if role is None or trust is None or trust.address in seen:
            continue
        seen.add(trust.address)
        services = {name for statement in trust.nested("statement") for name in _services(statement)}
        if services and service not in services:
            yield Finding(
                at=trust.at(("identifiers",)),
                message=f"{taken} the role {role.text('name') or role.address}, which {trust.address} gives to "
                f"{both(sorted(services))} alone",
                fix=f"write {service}",
            )


def _services(statement: dict[str, Any]) -> set[str]:
    principals = statement.get("principals")
    found: set[str] = set()
    for each in principals if isinstance(principals, list) else [principals]:
        identifiers = each.get("identifiers") if isinstance(each, dict) and each.get("type") == "Service" else None
        found |= {str(name) for name in identifiers or () if name}
    return found


def _actions(statement: dict[str, Any]) -> set[str]:
    actions = statement.get("actions")
    return {str(each) for each in actions} if isinstance(actions, list) else set()
