"""Karpenter of another version than its permissions."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Block, Environment

_NAME = "karpenter_version"


@rule("terraform/karpenter-version-mismatch", error, since="0.1.0")
def karpenter_version_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Another version of Karpenter makes calls that its role does not allow, and starts no nodes."""
    terraform = environment.terraform
    if terraform is None:
        return
    for block in terraform.of_mode("variable"):
        version = _version(environment, block) if block.address.rpartition(".")[2] == _NAME else ""
        if not version:
            continue
        for application in environment.applications:
            for source in application.sources:
                if source.chart == "karpenter" and source.revision.removeprefix("v") != version.removeprefix("v"):
                    yield Finding(
                        at=application.at((*source.path, "targetRevision")),
                        message=f"Karpenter {source.revision} has the permissions of version {version}, "
                        f"by {block.address}",
                        fix=f"set {_NAME} to {source.revision} and add the policies of that version, in one change",
                    )


def _version(environment: Environment, block: Block) -> str:
    """Return what the variable holds: given by the environment, by the module's call, or its default."""
    terraform = environment.terraform
    if terraform is None:
        return ""
    if not block.module:
        return str(terraform.variable(_NAME) or "")
    call = next((each for each in terraform.of_mode("module") if each.address == block.module), None)
    return (call.text(_NAME) if call is not None else "") or block.text("default")
