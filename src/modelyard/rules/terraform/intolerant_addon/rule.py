"""Add-ons of EKS whose pods the taints of a pool keep off its nodes."""

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Block, Environment, tolerates

# Parts of an add-on's configuration that are about pods on every node; a controller runs where it finds room.
_OF_EVERY_NODE = {
    "eks-pod-identity-agent": ((),),
    "vpc-cni": ((),),
    "kube-proxy": ((),),
    "aws-ebs-csi-driver": (("node",),),
    "aws-efs-csi-driver": (("node",),),
    "aws-fsx-csi-driver": (("node",),),
    "aws-mountpoint-s3-csi-driver": (("node",),),
    "eks-node-monitoring-agent": (("monitoringAgent",), ("dcgmAgent",)),
}


@rule("terraform/intolerant-addon", error, since="0.1.0")
def intolerant_addon(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without an add-on's pod, a node has no IP addresses, no volumes or no credentials for its pods."""
    terraform = environment.terraform
    if terraform is None:
        return
    for addon in terraform.resources("aws_eks_addon"):
        name = addon.text("addon_name") or addon.key
        for path in _OF_EVERY_NODE.get(name, ()):
            tolerations = _tolerations(addon, path)
            if tolerations is None:
                continue  # its own tolerate every taint
            kept_off = sorted(
                pool.name
                for pool in environment.pools
                if any(
                    taint.effect != "PreferNoSchedule" and not tolerates(tolerations, taint) for taint in pool.taints
                )
            )
            if kept_off:
                yield Finding(
                    at=addon.at(("configuration_values",)),
                    message=f"add-on {name} sets tolerations, but its pods do not tolerate the taints of node "
                    f"pool{'s' if len(kept_off) > 1 else ''} {both(kept_off)}",
                    fix="remove tolerations to keep the add-on's defaults, or add operator: Exists without a key",
                )


def _tolerations(addon: Block, path: tuple[str, ...]) -> list[dict[str, Any]] | None:
    """Return the tolerations that an add-on is configured with; None where it sets none, or none that are known."""
    text = addon.text("configuration_values")
    if not text:
        return None
    try:
        found: Any = parsed(text)
    except MalformedJSON:
        return None
    for step in path:
        found = found.get(step) if isinstance(found, Mapping) else None
    tolerations = found.get("tolerations") if isinstance(found, Mapping) else None
    return [each for each in tolerations if isinstance(each, dict)] if isinstance(tolerations, list) else None
