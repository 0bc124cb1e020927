"""NodePools and their node classes: EC2NodeClasses of Karpenter, NodeClasses of EKS Auto Mode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from modelyard.view.manifests import Manifest

KARPENTER_GROUP = "karpenter.sh"
NODE_CLASSES = {"EC2NodeClass": "karpenter.k8s.aws", "NodeClass": "eks.amazonaws.com"}
"""Kinds of node classes, and their API groups: that of Karpenter on AWS, and that of EKS Auto Mode."""
AUTO_MODE = "NodeClass"
_OF_DEVICES = (
    "nvidia.com/",
    "aws.amazon.com/neuron",
    "karpenter.k8s.aws/instance-gpu-",
    "karpenter.k8s.aws/instance-accelerator-",
    "eks.amazonaws.com/instance-gpu-",
)


@dataclass(frozen=True)
class Taint:
    """A taint that a pool puts on its nodes."""

    key: str
    value: str
    effect: str

    def __str__(self) -> str:
        return f"{self.key}{'=' if self.value else ''}{self.value}:{self.effect}"


@dataclass(frozen=True)
class Pool:
    """A NodePool with the node class that it refers to.

    Attributes:
        manifest: The NodePool.
        node_class: The EC2NodeClass or NodeClass, None when it is not in the environment.
    """

    manifest: Manifest
    node_class: Manifest | None

    @property
    def name(self) -> str:
        """Return the pool's name."""
        return self.manifest.name

    @property
    def class_kind(self) -> str:
        """Return the kind of its node class; that of Karpenter on AWS where it says none."""
        return str(self.manifest.get("spec.template.spec.nodeClassRef.kind") or "EC2NodeClass")

    @property
    def auto_mode(self) -> bool:
        """Return whether EKS Auto Mode makes its nodes."""
        return self.class_kind == AUTO_MODE

    @property
    def labels(self) -> Mapping[str, str]:
        """Return the labels that the pool puts on its nodes."""
        return self.manifest.mapping(("spec", "template", "metadata", "labels"))

    @cached_property
    def taints(self) -> tuple[Taint, ...]:
        """Return the pool's taints; start-up taints are not among them."""
        return tuple(
            Taint(str(taint.get("key", "")), str(taint.get("value") or ""), str(taint.get("effect", "")))
            for taint in self.manifest.entries("spec.template.spec.taints")
        )

    @cached_property
    def requirements(self) -> tuple[dict[str, Any], ...]:
        """Return the pool's requirements as written."""
        return tuple(self.manifest.entries("spec.template.spec.requirements"))

    @property
    def limits(self) -> Mapping[str, Any]:
        """Return the pool's limits by resource."""
        return self.manifest.mapping("spec.limits")

    @property
    def has_devices(self) -> bool:
        """Return whether its nodes are for accelerators, by its taints and requirements."""
        keys = {str(each.get("key", "")) for each in self.requirements} | {taint.key for taint in self.taints}
        return any(key.startswith(_OF_DEVICES) for key in keys)

    def __str__(self) -> str:
        return f"NodePool {self.name}"


def tolerates(tolerations: list[dict[str, Any]], taint: Taint) -> bool:
    """Return whether one of a pod's tolerations covers a taint, by the scheduler's own rule."""
    for toleration in tolerations:
        if not isinstance(toleration, dict):
            continue
        if toleration.get("effect") not in (None, "", taint.effect):
            continue
        key = toleration.get("key") or ""
        operator = toleration.get("operator") or "Equal"
        if not key:
            if operator == "Exists":
                return True
            continue
        if key == taint.key and (operator == "Exists" or str(toleration.get("value") or "") == taint.value):
            return True
    return False
