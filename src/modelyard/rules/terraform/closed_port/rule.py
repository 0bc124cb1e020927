"""File systems and endpoints behind closed ports."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Block, Environment, Terraform

_NEEDED = {
    "aws_efs_file_system": (("NFS", 2049, 2049),),
    "aws_fsx_lustre_file_system": (("Lustre", 988, 988), ("Lustre", 1018, 1023)),
    "aws_vpc_endpoint": (("HTTPS", 443, 443),),
}
"""Ports that clients of a file system or an endpoint use; from the services' own pages."""


@rule("terraform/closed-port", error, since="0.1.0")
def closed_port(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A mount hangs until it times out if no security group allows its port."""
    terraform = environment.terraform
    if terraform is not None:
        yield from _within_groups(terraform)
    told = set()
    for type_, ports in _NEEDED.items() if terraform is not None else ():
        for system in terraform.resources(type_) if terraform is not None else ():
            if type_ == "aws_vpc_endpoint" and system.text("vpc_endpoint_type") != "Interface":
                continue
            rules = _rules(terraform, system) if terraform is not None else []
            missing = [(what, first, last) for what, first, last in ports if not _open(rules, first, last)]
            if missing and rules and system.resource not in told:
                told.add(system.resource)
                what, first, last = missing[0]
                span = str(first) if first == last else f"{first}-{last}"
                yield Finding(
                    at=_nearest(rules, first).at(("from_port",)),
                    message=f"{system.resource} needs {what} on port {span}, which no security group allows",
                    fix=f"allow port {span} from the nodes",
                )


def _within_groups(terraform: Terraform) -> Iterator[Finding]:
    """Yield groups whose members may send each other everything, as EFA asks, and not receive it; or the reverse.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-start.html, read 2026-12-01
    """
    ways: dict[str, dict[str, list[Block]]] = {"ingress": {}, "egress": {}}
    for way, groups in ways.items():
        for block in terraform.resources(f"aws_vpc_security_group_{way}_rule"):
            groups.setdefault(block.text("security_group_id"), []).append(block)
    for way, other in (("ingress", "egress"), ("egress", "ingress")):
        for group, rules in ways[other].items():
            own = [each for each in rules if _everything_within(each, group)]
            here = ways[way].get(group, [])
            if group and own and here and not any(_everything_within(each, group) or _anything(each) for each in here):
                yield Finding(
                    at=here[0].at(("referenced_security_group_id",)),
                    message=f"{own[0].resource} lets members of a security group (EFA's nodes, where it is theirs) "
                    f"{'send to' if other == 'egress' else 'receive from'} each other everything, and "
                    f"{here[0].resource} has another referenced_security_group_id: nothing passes",
                    fix="reference the group itself in both rules",
                )


def _everything_within(rule_: Block, group: str) -> bool:
    return rule_.text("ip_protocol") == "-1" and rule_.text("referenced_security_group_id") == group


def _anything(rule_: Block) -> bool:
    return rule_.values.get("referenced_security_group_id") is None


def _rules(terraform: Terraform, system: Block) -> list[Block]:
    """Return the rules of the file system's groups; of its module where the groups are not known."""
    groups = set(system.values.get("security_group_ids") or ())
    every = [b for b in terraform.resources("aws_vpc_security_group_ingress_rule") if b.module == system.module]
    mounting = {
        group
        for target in terraform.resources("aws_efs_mount_target")
        if target.values.get("file_system_id") == system.id
        for group in target.values.get("security_groups") or ()
    }
    groups |= mounting
    if system.type == "aws_vpc_endpoint" and not groups:
        return []  # the VPC's default group, or one that is known when Terraform runs
    return [each for each in every if not groups or each.values.get("security_group_id") in groups]


def _open(rules: list[Block], first: int, last: int) -> bool:
    for each in rules:
        low, high = each.values.get("from_port"), each.values.get("to_port")
        if each.text("ip_protocol") == "-1" or (low is None and high is None):
            return True
        if isinstance(low, int) and isinstance(high, int) and low <= first and last <= high:
            return True
    return False


def _nearest(rules: list[Block], port: int) -> Block:
    return min(rules, key=lambda each: abs(int(each.text("from_port") or 0) - port))
