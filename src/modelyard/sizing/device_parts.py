"""A part of a device by one name: a MIG profile, or a share that pods take in turn."""

from __future__ import annotations

import re
from dataclasses import dataclass

from modelyard import catalog
from modelyard.catalog import Device
from modelyard.placement import MIG, MPS, TIME_SLICING, WHOLE_DEVICES, Sharing
from modelyard.sizing.slices import slice_gib

CUT_BY_MIG = ("A100", "H100", "H100 PCIe", "H200", "B200", "B300", "RTX PRO Server 6000")
"""Devices with MIG (NVIDIA's MIG user guide, "Supported GPUs")."""

_PROFILE = re.compile(r"(.+?)(?:[\s-]+mig)?[\s-]+((\d)g\.(\d{1,3})gb)(?:[.+]me)?", re.IGNORECASE)
_SHARE = re.compile(rf"(.+?)\s*/\s*(\d{{1,3}})(?::({TIME_SLICING}|{MPS}))?", re.IGNORECASE)
_SHARED = re.compile(r"(.+)-shared", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DevicePart:
    """What a pod gets of a device.

    Attributes:
        device: The device.
        title: The part in words.
        total_gib: Memory of the part; None for the whole device.
        sharing: How the node shares the device among pods.
    """

    device: Device
    title: str
    total_gib: float | None = None
    sharing: Sharing = WHOLE_DEVICES


def device_part(name: str) -> DevicePart | None:
    """Return what a name means; None where it names no device.

    Args:
        name: A device; one with a MIG profile as `H100 1g.10gb` or as a node's label `nvidia.com/gpu.product` has it,
            `NVIDIA-H100-80GB-HBM3-MIG-1g.10gb`; one with the pods that share it, `A10G/4` or `A10G/4:mps`.

    Raises:
        ValueError: The device is known and has no such part.
    """
    if (whole := catalog.device(name)) is not None:
        return DevicePart(whole, whole.name)
    if cut := _PROFILE.fullmatch(name):
        return _cut(cut[1], cut[2].lower(), int(cut[4]))
    if share := _SHARE.fullmatch(name):
        found, pods, strategy = catalog.device(share[1]), int(share[2]), (share[3] or TIME_SLICING).lower()
        if found is None or pods < 1:
            return None
        title = f"{found.name}, shared by {pods}" if pods > 1 else found.name
        return DevicePart(found, title, sharing=Sharing(strategy if pods > 1 else "", pods))
    if shared := _SHARED.fullmatch(name):
        found = catalog.device(shared[1])
        unknown = f"pods share the device, and how many is not said; write {found.name}/PODS" if found else ""
        return DevicePart(found, found.name, sharing=Sharing(TIME_SLICING, unknown=unknown)) if found else None
    return None


def _cut(name: str, profile: str, gigabytes: int) -> DevicePart | None:
    device = catalog.device(name)
    if device is None:
        return None
    if device.name not in CUT_BY_MIG:
        raise ValueError(f"{device.name} has no MIG")
    eighth = device.nominal_mib / 1024 / 8
    if not any(abs(gigabytes - count * eighth) <= 0.15 * count * eighth for count in (1, 2, 4, 8)):
        raise ValueError(f"{device.name} of {device.nominal_mib // 1024} GiB has no MIG profile {profile}")
    of_it = ((f"{device.name.lower()}.{device.nominal_mib // 1024}gb", profile),)
    total = slice_gib(f"nvidia.com/mig-{profile}", device)
    return DevicePart(device, f"{device.name} {profile}", total, Sharing(MIG, profiles=of_it))
