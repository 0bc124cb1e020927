"""Memory of a device that pods share."""

from __future__ import annotations

import re

from modelyard.catalog import Device
from modelyard.placement import Sharing

MIG_GIB_PER_GB = 0.95
"""Least share of a MIG profile's name that a process gets: profiles of 5 to 40 GB give 0.95 to 0.98 GiB a GB.

From the profiles' published sizes in MiB (4,864 for 5 GB, 9,728 for 10 GB, 19,968 for 20 GB), not from a start-up log.
"""


def slice_gib(resource: str, device: Device) -> float | None:
    """Return the memory in GiB that one unit of an extended resource gives.

    Args:
        resource: Such as `nvidia.com/gpu`, `nvidia.com/gpu.shared` or `nvidia.com/mig-3g.40gb`.
        device: The device that the node has.

    Returns:
        The device's memory for whole and time-sliced devices (time-slicing does not divide memory, so what the others
        take is missing), the slice's for a MIG profile, and None for any other resource.
    """
    profile = re.fullmatch(r"nvidia\.com/mig-(\d+)g\.(\d+)gb(?:\.[\w.+-]+)?", resource)
    if profile:
        return min(int(profile[2]) * MIG_GIB_PER_GB, device.total_gib)
    if resource in ("nvidia.com/gpu", "nvidia.com/gpu.shared"):
        return device.total_gib
    return None


def part_gib(sharing: Sharing, device: Device) -> float | None:
    """Return the memory of the part of a device that a pod gets for itself; None where it sees the whole device."""
    profile = sharing.profile_of(device.name, device.nominal_mib)
    return slice_gib(f"nvidia.com/mig-{profile}", device) if profile else None
