"""Taints that nobody takes away."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import either
from modelyard.view import Environment

_REMOVERS = {
    "ebs.csi.aws.com/agent-not-ready": ("aws-ebs-csi-driver",),
    "efs.csi.aws.com/agent-not-ready": ("aws-efs-csi-driver",),
    "fsx.csi.aws.com/agent-not-ready": ("aws-fsx-csi-driver",),
    "s3.csi.aws.com/agent-not-ready": ("aws-mountpoint-s3-csi-driver",),
    "node.cilium.io/agent-not-ready": ("cilium",),
    "nidhogg.uswitch.com/first-time-ready": ("nidhogg",),
}
"""By a taint's key, the charts and EKS add-ons whose agent takes it away; from their own documentation."""


@rule("scheduling/unremoved-startup-taint", error, since="0.1.0")
def unremoved_startup_taint(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A start-up taint that nothing removes keeps its nodes uninitialized, and pods stay Pending."""
    terraform = environment.terraform
    there = {source.chart for application in environment.applications for source in application.sources}
    addons = terraform.resources("aws_eks_addon") if terraform is not None else []
    there.update(each.text("addon_name") or each.key for each in addons)
    for pool in environment.pools:
        for index, taint in enumerate(pool.manifest.entries("spec.template.spec.startupTaints")):
            key = str(taint.get("key") or "")
            removers = _REMOVERS.get(key)
            if removers is None or (terraform is None and not key.startswith("node.cilium")):
                yield NotChecked(pool, f"the agent that removes the start-up taint {key} is not known")
            elif not there.intersection(removers):
                yield Finding(
                    at=pool.manifest.at(("spec", "template", "spec", "startupTaints", index, "key")),
                    message=f"{pool} starts nodes with the taint {key}, which only {either(removers)} removes",
                    fix=f"install {removers[0]}, or remove the taint",
                )
