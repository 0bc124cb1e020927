"""Images of nodes that were never released for the cluster's Kubernetes version."""

import re
from collections.abc import Iterator

from modelyard.catalog import first_image_for
from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.rules import rule
from modelyard.view import Environment

# How Karpenter's alias names releases: https://karpenter.sh/docs/concepts/nodeclasses/#specamiselectorterms (1.14).
_RELEASES = {
    "al2": re.compile(r"v\d{8}"),
    "al2023": re.compile(r"v\d{8}"),
    "bottlerocket": re.compile(r"v?\d+\.\d+\.\d+"),
}
_EXAMPLES = {"al2": "al2023@v20260714", "al2023": "al2023@v20260714", "bottlerocket": "bottlerocket@v1.64.0"}


@rule("scheduling/missing-node-image", error, since="0.1.0")
def missing_node_image(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A node class whose AMI does not exist for the cluster's version is never ready, and starts no node."""
    version = ".".join(str(environment.facts.get("kubernetes") or "").split(".")[:2])
    for manifest in environment.of_kind("EC2NodeClass"):
        for index, term in enumerate(manifest.entries("spec.amiSelectorTerms")):
            alias = str(term.get("alias") or "")
            if alias.count("@") == 1 and not alias.endswith("@latest"):
                family, _, release = alias.partition("@")
                wrong = family in _RELEASES and not _RELEASES[family].fullmatch(release)
                if wrong:
                    yield Finding(
                        at=manifest.at(("spec", "amiSelectorTerms", index, "alias")),
                        message=f"{alias} is not a release of {family}",
                        fix=f"write {_EXAMPLES[family]} or newer",
                    )
                    continue
            if alias.endswith("@latest"):
                yield Finding(
                    at=manifest.at(("spec", "amiSelectorTerms", index, "alias")),
                    message=f"{manifest} uses {alias}: each new release replaces the nodes, and restarts the "
                    "models on them",
                    fix="pin a release, and upgrade it with a commit",
                    severity=warning,
                )
                continue
            if first := first_image_for(alias, version):
                yield Finding(
                    at=manifest.at(("spec", "amiSelectorTerms", index, "alias")),
                    message=f"{alias} has no AMI for Kubernetes {version}; the first release with one is {first}",
                    fix=f"pin bottlerocket@{first} or newer",
                )
