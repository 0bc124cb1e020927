"""Pods whose images and data do not fit the disk of their node."""

from collections.abc import Iterator

from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.placement import Placement, disk_use, placements
from modelyard.rules import rule
from modelyard.view import Environment, mapping

_STORAGE = "ephemeral-storage"


@rule("storage/overfull-disk", error, since="0.1.0")
def overfull_disk(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A node whose disk is full of images and pod data evicts pods and accepts no new ones."""
    for found in placements(environment):
        use = None if found.daemon else disk_use(found)
        if use is not None and use.images and use.overfull:
            yield Finding(
                at=_address(found),
                message=f"{found.template} need more than their node's disk: {use}",
                fix=f"request less, use a smaller image, or give node pool {found.accepting[0].pool} a larger volume",
            )


def _address(found: Placement) -> Address:
    for container in sorted(found.template.containers, key=lambda each: each.init):
        for field in ("requests", "limits"):
            if _STORAGE in mapping(container.value, "resources", field):
                return container.at("resources", field, _STORAGE)
    return found.template.at("containers")
