"""Volumes under names that the operating system does not look at."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import either
from modelyard.view import Environment, Manifest, text

_DEVICES = {
    "AL2": ("/dev/xvda",),
    "AL2023": ("/dev/xvda",),
    "Bottlerocket": ("/dev/xvda", "/dev/xvdb"),
}
"""Device names of the volumes of each family of AMIs; from Karpenter's own defaults."""


@rule("scheduling/unused-volume", error, since="0.1.0")
def unused_volume(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A volume with another device name is attached but unused, and images fill the AMI's small default volume."""
    for manifest in environment.of_kind("EC2NodeClass"):
        wanted = _DEVICES.get(ami_family(manifest), ())
        mappings = manifest.entries("spec.blockDeviceMappings")
        names = [text(each, "deviceName") for each in mappings]
        missing = [name for name in wanted if name not in names]
        others = [index for index, name in enumerate(names) if name not in wanted]
        if not missing or not others:
            continue
        index = others[0]
        yield Finding(
            at=manifest.at(("spec", "blockDeviceMappings", index, "deviceName")),
            message=f"{manifest} maps a volume to {names[index]}, but none to {missing[-1]}, "
            f"which nodes of {ami_family(manifest)} use",
            fix=f"use {either(missing)}",
        )


def ami_family(manifest: Manifest) -> str:
    """Return the family of a node class's AMIs: said by itself, or by an alias; empty where neither says it."""
    named = text(manifest.mapping("spec"), "amiFamily")
    aliases = [text(term, "alias").partition("@")[0] for term in manifest.entries("spec.amiSelectorTerms")]
    alias = next((each for each in aliases if each), "")
    return named or {"al2": "AL2", "al2023": "AL2023", "bottlerocket": "Bottlerocket"}.get(alias, "")
