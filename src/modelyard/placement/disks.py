"""What the pods of a template put on their node's disk: unpacked images, and the space that they ask for."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.catalog import image_bytes
from modelyard.placement.instance_options import InstanceOption
from modelyard.placement.placements import Placement
from modelyard.placement.resources import GIB, STORAGE, THOUSAND
from modelyard.rendering import split_image

PRESSURE = 0.85
"""Part of the disk from which on the kubelet evicts pods: its default for images is `imagefs.available<15%`."""


@dataclass(frozen=True)
class DiskUse:
    """What one pod needs of its node's disk, in bytes.

    Attributes:
        option: The node's instance type.
        images: Its images, unpacked; those of unknown size count as nothing.
        asked: What it asks for as `ephemeral-storage`: weights, caches and logs.
        volume: The disk that images and pods share.
    """

    option: InstanceOption
    images: int
    asked: int
    volume: int

    @property
    def overfull(self) -> bool:
        """Return whether the kubelet evicts pods before this one has what it asked for."""
        return self.images + self.asked > self.volume * PRESSURE

    def __str__(self) -> str:
        images, asked, volume = (value / GIB for value in (self.images, self.asked, self.volume))
        return (
            f"images of {images:.1f} GiB and {asked:.1f} GiB that the pod asks for, on a disk of {volume:.0f} GiB of "
            f"{self.option.name}, of which the kubelet evicts pods at {PRESSURE:.0%}"
        )


def disk_use(found: Placement) -> DiskUse | None:
    """Return what a pod needs of the disk of the node that Karpenter would start for it; None where it starts none.

    Karpenter counts what pods ask for, and knows nothing of images.
    """
    option = next((option for verdict in found.accepting for option in verdict.options), None)
    if option is None:
        return None
    names = {split_image(container.image)[0] for container in found.template.containers}
    images = sum(image_bytes(name) or 0 for name in names)
    asked = found.shape.requests.get(STORAGE, 0) // THOUSAND
    return DiskUse(option, images, asked, option.capacity.get(STORAGE, 0) // THOUSAND)
