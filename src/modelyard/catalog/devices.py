"""GPUs and Neuron devices: memory, compute capability, cores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from modelyard.catalog.loading import DATA, read_yaml

ASSUMED_USABLE_SHARE = 0.98
"""Share of the nominal memory that a process sees where no log was read; holds for all devices read but T4 (0.91)."""


@dataclass(frozen=True, slots=True)
class Device:
    """One kind of accelerator.

    Attributes:
        name: As EC2 reports it.
        kind: `gpu` or `neuron`.
        manufacturer: `NVIDIA` or `AWS`.
        nominal_mib: Memory that the data sheet states, in MiB.
        usable_gib: Memory that the driver gives a process, as read in public logs; None where none was read.
        compute_capability: CUDA compute capability such as `(9, 0)`; None for Neuron devices.
        cores: Physical NeuronCores; None for GPUs.
        logical_cores: NeuronCores that a process sees by default; None for GPUs.
        aliases: Other names, in lower case with dashes.
        ec2: Whether an EC2 type has it.
        memory_gb_per_s: Peak bandwidth of its memory in 10^9 bytes a second; None where no source was found.
        link_gb_per_s: What it sends to another device of its node, in 10^9 bytes a second in one direction.
        tflops: Dense tensor peak in 10^12 operations a second as (type, peak), types being fp16, fp8, fp4 and int8.
        tflops_are_sure: Whether the peak was read in a data sheet, or a copy of one.
    """

    name: str
    kind: str
    manufacturer: str
    nominal_mib: int
    usable_gib: float | None = None
    compute_capability: tuple[int, int] | None = None
    cores: int | None = None
    logical_cores: int | None = None
    aliases: tuple[str, ...] = ()
    ec2: bool = True
    memory_gb_per_s: float | None = None
    link_gb_per_s: float | None = None
    tflops: tuple[tuple[str, float], ...] = ()
    tflops_are_sure: bool = True

    def peak_tflops(self, kind: str) -> float | None:
        """Return the dense tensor peak of a type; None where the device has none, or none is known."""
        return dict(self.tflops).get(kind)

    @property
    def total_gib(self) -> float:
        """Memory in GiB that an engine finds: the observed figure, else 0.98 of the nominal one."""
        return self.usable_gib if self.usable_gib is not None else self.nominal_mib / 1024 * ASSUMED_USABLE_SHARE

    @property
    def total_is_observed(self) -> bool:
        """Whether `total_gib` was read in a log rather than assumed."""
        return self.usable_gib is not None


def _device(row: Mapping[str, Any]) -> Device:
    fields = {key.replace("-", "_"): value for key, value in row.items()}
    if "compute_capability" in fields:
        major, minor = fields["compute_capability"].split(".")
        fields["compute_capability"] = (int(major), int(minor))
    fields["aliases"] = tuple(fields.get("aliases", ()))
    fields["tflops"] = tuple(fields.get("tflops", {}).items())
    return Device(**fields)


@cache
def devices() -> tuple[Device, ...]:
    """Return every device in the data; a name with two memory sizes is there twice."""
    return tuple(_device(row) for row in read_yaml(DATA / "devices.yaml")["devices"])


@cache
def _by_name() -> Mapping[str, tuple[Device, ...]]:
    found: dict[str, tuple[Device, ...]] = {}
    for device in devices():
        for name in dict.fromkeys((device.name.lower().replace(" ", "-"), *device.aliases)):
            found[name] = (*found.get(name, ()), device)
    return MappingProxyType(found)


def device(name: str, memory_mib: int | None = None) -> Device | None:
    """Return a device by EC2's name, a node label's value or a log's name; case and spaces do not matter.

    Args:
        name: Such as `H100`, `nvidia-l4`, `A100-80GB`.
        memory_mib: Nominal memory, to tell two devices of one name apart. A share of a device (EC2's fractional
            types) gets that much memory, for which nothing was observed.

    Returns:
        The device; the smallest of its name when the memory is not given; None when the data do not have it.
    """
    found = _by_name().get(name.lower().replace(" ", "-"), ())
    if not found:
        return None
    if memory_mib is None:
        return min(found, key=lambda each: each.nominal_mib)
    exact = next((each for each in found if each.nominal_mib == memory_mib), None)
    if exact is not None or found[0].kind == "neuron":
        return exact or found[0]
    first = found[0]
    return Device(
        first.name, first.kind, first.manufacturer, memory_mib, None, first.compute_capability, aliases=first.aliases
    )
