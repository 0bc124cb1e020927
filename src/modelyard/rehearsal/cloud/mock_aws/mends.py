"""What moto does otherwise than AWS, mended in the running process."""

from __future__ import annotations

from typing import Any

from modelyard.rehearsal.cloud.mock_aws.scope import Json


def mend_ec2() -> None:
    """Return descriptions of rules between groups, and keep a template's own tags out of what it tags.

    A template that is gone is told by the code that the provider takes for deleted.
    """
    from moto.ec2.exceptions import InvalidLaunchTemplateIdNotFound
    from moto.ec2.models.launch_templates import LaunchTemplateBackend, LaunchTemplateVersion
    from moto.ec2.models.security_groups import SecurityGroupRule

    def description(rule: Any) -> str | None:
        said = rule.ip_range.get("Description") or rule.source_group.get("Description")
        return str(said) if said else None

    SecurityGroupRule.description = property(description)
    begin = LaunchTemplateVersion.__init__

    def begin_without_own_tags(version: Any, template: Any, number: int, data: Json, text: str) -> None:
        kept = [it for it in data.get("TagSpecifications", []) if it["ResourceType"] != "launch-template"]
        begin(version, template, number, data | {"TagSpecifications": kept}, text)

    LaunchTemplateVersion.__init__ = begin_without_own_tags
    delete = LaunchTemplateBackend.delete_launch_template

    def delete_known(backend: Any, name: str, identity: str | None) -> Any:
        if identity and identity not in backend.launch_templates:
            raise InvalidLaunchTemplateIdNotFound(identity)
        return delete(backend, name, identity)

    LaunchTemplateBackend.delete_launch_template = delete_known


def mend_capacity() -> None:
    """Answer that nothing is reserved: Terraform reserves nothing, and moto has no reservations."""
    from moto.core.responses import ActionResult
    from moto.ec2.responses import EC2Response

    EC2Response.describe_capacity_reservations = lambda response: ActionResult({"CapacityReservations": []})


def mend_efs() -> None:
    """Let a file system's policy be deleted."""
    from moto.efs.responses import EFSResponse

    def delete_file_system_policy(response: Any) -> tuple[str, Json]:
        identity = response._get_param("FileSystemId")
        response.efs_backend.file_systems_by_id[identity].file_system_policy = None
        return "{}", {"status": 200, "Content-Type": "application/json"}

    EFSResponse.delete_file_system_policy = delete_file_system_policy
