"""User data in the language of another image than the node's."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import AL2023, BOTTLEROCKET, ami_family
from modelyard.repository.toml import MalformedTOML, parsed
from modelyard.rules import rule
from modelyard.view import Environment

# What nodeadm and cloud-init take: a NodeConfig, a script, or parts of a MIME message.
_OF_AL2023 = re.compile(r"\s*(#!|#cloud-config|MIME-Version:|Content-Type:|---\s|apiVersion:\s*node\.eks\.aws/)")


@rule("scheduling/foreign-user-data", error, since="0.1.0")
def foreign_user_data(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A node with user data in the wrong format does not join the cluster, or joins without these settings."""
    for manifest in environment.of_kind("EC2NodeClass"):
        text = manifest.get("spec.userData")
        if not isinstance(text, str) or not text.strip():
            continue
        family = ami_family(manifest.mapping("spec"))
        wrong = {BOTTLEROCKET: _not_toml, AL2023: _not_for_al2023}.get(family, lambda _: "")(text)
        if wrong:
            yield Finding(
                at=manifest.at("spec.userData"),
                message=f"{manifest} has user data in a format that {family} does not read: {wrong}",
                fix="write Bottlerocket settings in TOML"
                if family == BOTTLEROCKET
                else "write a NodeConfig (node.eks.aws/v1alpha1), a script, or both as MIME parts",
            )


def _not_toml(text: str) -> str:
    try:
        told = parsed(text)
    except MalformedTOML as problem:
        return f"it is not TOML ({problem})"
    return "" if not told or "settings" in told else "it has no table settings"


def _not_for_al2023(text: str) -> str:
    return "" if _OF_AL2023.match(text) else "it is neither a NodeConfig, nor a script, nor a MIME message"
