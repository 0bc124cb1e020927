"""Arguments that AWS takes one by one, and refuses together."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, ip_network

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Block, Environment, LineAddress, Terraform
from modelyard.view.terraform.arguments import walked_arguments, written_blocks

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html
_OF_ENDPOINTS = {
    "Interface": ("route_table_ids",),
    "Gateway": ("subnet_ids", "security_group_ids", "private_dns_enabled"),
}
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html
_OF_VOLUMES = {
    "gp2": ("iops", "throughput"),
    "standard": ("iops", "throughput"),
    "io1": ("throughput",),
    "io2": ("throughput",),
    "st1": ("iops", "throughput"),
    "sc1": ("iops", "throughput"),
}
_KEY_OF_AWS = "alias/aws/sqs"


@rule("terraform/refused-combination", error, since="0.3.0")
def refused_combination(environment: Environment) -> Iterator[Finding | NotChecked]:
    """AWS refuses a pair of arguments that exclude each other: the apply stops half-way."""
    terraform = environment.terraform
    if terraform is None:
        return
    seen: set[tuple[str, int, str]] = set()
    for found in (_endpoints(terraform), _names_in_vpcs(terraform), _entries(terraform)):
        for block, argument, message, fix in found:
            key = (block.file, block.first, argument)
            if key not in seen:
                seen.add(key)
                yield Finding(at=block.at((argument,)), message=message, fix=fix)
    yield from _volumes(environment, terraform)
    yield from _queues(terraform)
    yield from _ranges(terraform)
    yield from _accounts(environment, terraform)


_Fault = tuple[Block, str, str, str]
"""The block, the argument to look for, message and fix."""


def _endpoints(terraform: Terraform) -> Iterator[_Fault]:
    for block in terraform.resources("aws_vpc_endpoint"):
        kind = block.text("vpc_endpoint_type") or "Gateway"
        written = [each for each in _OF_ENDPOINTS.get(kind, ()) if block.values.get(each)]
        if written:
            yield (
                block,
                written[0],
                f"{block.resource} is an endpoint of type {kind} and sets {both(written)}, which EC2 refuses",
                f"remove {both(written)}, or write the type that the service has",
            )


def _names_in_vpcs(terraform: Terraform) -> Iterator[_Fault]:
    private = [
        each for each in terraform.resources("aws_vpc_endpoint") if each.values.get("private_dns_enabled") is True
    ]
    for vpc in terraform.resources("aws_vpc") if private else ():
        for argument, default in (("enable_dns_hostnames", False), ("enable_dns_support", True)):
            if vpc.values.get(argument, default) is False:
                yield (
                    vpc,
                    argument,
                    f"{vpc.resource} has {argument} = false, and {private[0].resource} asks for private DNS, which "
                    "needs enable_dns_support and enable_dns_hostnames",
                    f"set {argument} to true",
                )


def _volumes(environment: Environment, terraform: Terraform) -> Iterator[Finding]:
    """Yield volumes whose type is written out, also those of node groups that this environment does not have."""
    files = environment.repository.files
    for file, text in terraform.texts():
        for block in written_blocks(text) if file.endswith(".tf") and "volume" in text else ():
            for path, each in walked_arguments(block.inner):
                if path[-1] not in ("volume_type", "type") or (path[-1] == "type" and block.type != "aws_ebs_volume"):
                    continue
                kind = each.expression.strip('"')
                beside = {other[-1] for other, _ in walked_arguments(block.inner) if other[:-1] == path[:-1]}
                written = [name for name in _OF_VOLUMES.get(kind, ()) if name in beside]
                if written:
                    yield Finding(
                        at=LineAddress(files, file, each.line, each.line, (kind,)),
                        message=f"{block.type}.{block.name} has a {kind} volume and sets {both(written)}, which "
                        "EC2 refuses",
                        fix=f"write gp3, or remove {both(written)}",
                    )


def _entries(terraform: Terraform) -> Iterator[_Fault]:
    made = terraform.resources("aws_eks_access_entry") or terraform.resources("aws_eks_access_policy_association")
    for cluster in terraform.resources("aws_eks_cluster") if made else ():
        if cluster.mapping("access_config").get("authentication_mode") == "CONFIG_MAP":
            yield (
                cluster,
                "authentication_mode",
                f"{cluster.resource} has authentication_mode CONFIG_MAP, which has no access entries, and "
                f"{made[0].resource} makes one",
                "write API or API_AND_CONFIG_MAP",
            )


def _queues(terraform: Terraform) -> Iterator[Finding]:
    """Yield queues that EventBridge sends to and may not encrypt for: aws/karpenter-provider-aws#7209."""
    targets = {str(each.values.get("arn")) for each in terraform.resources("aws_cloudwatch_event_target")}
    for queue in terraform.resources("aws_sqs_queue"):
        if queue.text("kms_master_key_id") == _KEY_OF_AWS and {queue.id, queue.text("arn")} & targets:
            yield Finding(
                at=queue.at((_KEY_OF_AWS,)),
                message=f"{queue.resource} is encrypted with {_KEY_OF_AWS}, which EventBridge may not use, so no event "
                "reaches it",
                fix="use sqs_managed_sse_enabled, or a key whose policy allows events.amazonaws.com",
            )


def _ranges(terraform: Terraform) -> Iterator[Finding]:
    """Yield ranges of Services that lie in a network that the cluster's nodes use."""
    services = _network(terraform.variable("service_cidr"))
    for name in ("vpc_cidr", "pods_cidr") if services is not None else ():
        other = _network(terraform.variable(name))
        if services is not None and other is not None and services.overlaps(other):
            yield Finding(
                at=terraform.variable_at("service_cidr" if "service_cidr" in terraform.given else name),
                message=f"service_cidr {services} overlaps {name} {other}, which EKS refuses",
                fix="choose a range outside the VPC, such as 172.20.0.0/16",
            )


def _network(value: object) -> IPv4Network | None:
    try:
        found = ip_network(str(value), strict=False)
    except ValueError:
        return None
    return found if isinstance(found, IPv4Network) else None


def _accounts(environment: Environment, terraform: Terraform) -> Iterator[Finding]:
    account = str(environment.facts.get("account") or "")
    for provider in terraform.of_mode("provider"):
        allowed, forbidden = (provider.values.get(f"{each}_account_ids") for each in ("allowed", "forbidden"))
        wrong = [str(each) for each in allowed if each] if isinstance(allowed, list) else []
        if account and wrong and account not in wrong:
            yield Finding(
                at=provider.at(("allowed_account_ids",)),
                message=f"the provider allows account {both(wrong)} alone, and {environment} is in account {account}",
                fix=f"write var.account_id, or {account}",
            )
        elif account and isinstance(forbidden, list) and account in map(str, forbidden):
            yield Finding(
                at=provider.at(("forbidden_account_ids",)),
                message=f"the provider forbids account {account}, in which {environment} is",
                fix=f"remove {account}",
            )
