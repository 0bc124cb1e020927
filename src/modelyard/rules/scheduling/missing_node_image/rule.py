"""Images of nodes that were never released for the cluster's Kubernetes version."""

from collections.abc import Iterator

from modelyard.catalog import first_image_for
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment


@rule("scheduling/missing-node-image", error, since="0.1.0")
def missing_node_image(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A node class whose image does not exist for the cluster's version is never ready, and starts no node."""
    version = ".".join(str(environment.facts.get("kubernetes") or "").split(".")[:2])
    for manifest in environment.of_kind("EC2NodeClass"):
        for index, term in enumerate(manifest.entries("spec.amiSelectorTerms")):
            alias = str(term.get("alias") or "")
            if first := first_image_for(alias, version):
                yield Finding(
                    at=manifest.at(("spec", "amiSelectorTerms", index, "alias")),
                    message=f"{alias} has no images for Kubernetes {version}; the first is {first}",
                    fix=f"pin bottlerocket@{first} or newer",
                )
