"""Resources in more, fewer or other subnets than their service takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Block, Environment, Terraform


@rule("terraform/refused-subnets", error, since="0.3.0")
def refused_subnets(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A file system for Lustre lies in one subnet, EFS has one mount target a zone, a control plane spans two zones."""
    terraform = environment.terraform
    if terraform is None:
        return
    yield from _lustre(terraform)
    yield from _mount_targets(terraform)
    yield from _control_planes(terraform)


def _lustre(terraform: Terraform) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/fsx/latest/APIReference/API_CreateFileSystem.html: SubnetIds."""
    for block in terraform.resources("aws_fsx_lustre_file_system"):
        subnets = block.values.get("subnet_ids")
        if isinstance(subnets, list) and len(subnets) > 1:
            yield Finding(
                at=block.at(("subnet_ids",)),
                message=f"{block.address} has {len(subnets)} subnets in subnet_ids, and FSx for Lustre takes one",
                fix="choose the subnet of one zone",
            )


def _mount_targets(terraform: Terraform) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/efs/latest/APIReference/API_CreateMountTarget.html: MountTargetConflict."""
    zones: dict[tuple[str, str], list[Block]] = defaultdict(list)
    for block in terraform.resources("aws_efs_mount_target"):
        subnet = terraform.named(block.values.get("subnet_id"))
        zone = subnet.text("availability_zone") if subnet is not None else ""
        if zone:
            zones[block.text("file_system_id"), zone].append(block)
    for (_, zone), blocks in zones.items():
        if len(blocks) > 1:
            yield Finding(
                at=blocks[1].at(("subnet_id",)),
                message=f"{len(blocks)} mount targets of {blocks[1].resource} have subnet_id in zone {zone}, and EFS "
                "takes one a zone for a file system",
                fix="give each mount target a subnet of another zone",
            )


def _control_planes(terraform: Terraform) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html, read 2026-12-01."""
    for block in terraform.resources("aws_eks_cluster"):
        told = block.mapping("vpc_config").get("subnet_ids")
        subnets = [terraform.named(each) for each in told] if isinstance(told, list) else []
        zones = {each.text("availability_zone") if each is not None else "" for each in subnets}
        if subnets and "" not in zones and len(zones) < 2:
            yield Finding(
                at=block.at(("subnet_ids",)),
                message=f"{block.address} has subnet_ids in zone {zones.pop()} alone, and EKS asks for two zones",
                fix="give it subnets of two zones",
            )
