"""Nodes with accelerators whose image has no driver for them."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, text

# Names of EKS's own images without drivers for accelerators.
_PLAIN = re.compile(
    r"amazon-eks-(?:arm64-)?node-(?:\d|al2023-(?:x86_64|arm64)-(?:standard|minimal))|bottlerocket-aws-k8s-[\d.]+-(?:x86_64|aarch64)"
)


@rule("scheduling/image-without-drivers", error, since="0.1.0")
def image_without_drivers(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A node whose AMI has no driver offers no accelerators, and pods that need them stay Pending."""
    told = set()
    for pool in environment.pools:
        manifest = pool.node_class
        if manifest is None or not pool.has_devices or manifest.name in told:
            continue
        for index, term in enumerate(manifest.entries("spec.amiSelectorTerms")):
            name = text(term, "name")
            if _PLAIN.match(name):
                told.add(manifest.name)
                yield Finding(
                    at=manifest.at(("spec", "amiSelectorTerms", index, "name")),
                    message=f"{pool} has accelerators, but {manifest} selects {name}, an AMI without drivers for them",
                    fix="use an alias, which selects the AMI by instance type, or the AMI for NVIDIA or Neuron",
                )
