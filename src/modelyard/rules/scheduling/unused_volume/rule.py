"""Volumes of a node that its image does not use for pods."""

from collections.abc import Iterator

from modelyard.cluster import Environment
from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import AL2023, BOTTLEROCKET, ami_family
from modelyard.rules import rule
from modelyard.rules.wording import both

# Where images, logs and what pods write lie, by family.
_POD_VOLUME = {BOTTLEROCKET: "/dev/xvdb", AL2023: "/dev/xvda"}


@rule("scheduling/unused-volume", error, since="0.1.0")
def unused_volume(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A volume under the name of another image stays empty, and pods share the image's own small one."""
    for thing in environment.of_kind("EC2NodeClass"):
        needed = _POD_VOLUME.get(ami_family(thing.mapping("spec")))
        volumes = thing.entries("spec.blockDeviceMappings")
        names = [str(each.get("deviceName", "")) for each in volumes]
        if needed is None or not volumes or needed in names or any(each.get("rootVolume") for each in volumes):
            continue
        yield Finding(
            at=thing.at(("spec", "blockDeviceMappings", len(volumes) - 1, "deviceName")),
            message=f"{thing} sizes {both(names)}; pods and images of {ami_family(thing.mapping('spec'))} nodes lie on "
            f"{needed}, which keeps the size of the image",
            fix=f"name the large volume {needed}",
        )
