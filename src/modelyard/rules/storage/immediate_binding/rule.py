"""Volumes of EBS that are made before it is known where their pod runs."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment

_OF_ONE_ZONE = ("ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com", "kubernetes.io/aws-ebs")
LATE = "WaitForFirstConsumer"


@rule("storage/immediate-binding", warning, since="0.3.0")
def immediate_binding(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An EBS volume that is made at once lies in any zone, and its pods stay Pending where that has no device."""
    for manifest in environment.of_kind("StorageClass", "storage.k8s.io"):
        if str(manifest.get("provisioner", "")) not in _OF_ONE_ZONE or not environment.is_ours(manifest):
            continue
        if manifest.get("volumeBindingMode", None) in (LATE,) or manifest.get("allowedTopologies", None):
            continue
        absent = not manifest.has("volumeBindingMode")
        yield Finding(
            at=manifest.at("kind" if absent else "volumeBindingMode"),
            message=f"{manifest} makes EBS volumes as soon as they are claimed, in a zone that no pod has chosen"
            + (": volumeBindingMode is Immediate where it is not set" if absent else ""),
            fix=f"set volumeBindingMode to {LATE}",
        )
