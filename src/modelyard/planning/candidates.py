"""Ways to serve a model: device, ranks and precision, whether they fit, and which instance types have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from modelyard import catalog
from modelyard.catalog import Device, InstanceType, instance_types
from modelyard.costing import instance_price
from modelyard.placement import cluster
from modelyard.placement.verdicts import verdicts
from modelyard.planning.speed import Lengths, Machine
from modelyard.planning.subjects import WHOLE_GPU, Subject
from modelyard.planning.work import model_work
from modelyard.sizing import Assessment, FitVerdict, assess, legal_tensor_parallel_sizes, request_bytes

GIB = 2**30
ONLINE_FP8 = "fp8"
FP8_CAPABILITY = (8, 9)
"""Devices from this capability on multiply 8-bit floats, so that quantising while loading pays."""

RANKS = (1, 2, 4, 8)
ROOM_SHARE = 0.9
"""Share of the cache that is planned with: lengths vary, and vLLM preempts requests when it is full."""

LENGTH_STEP = 1024


@dataclass(frozen=True, slots=True)
class Offer:
    """An instance type that has the devices.

    Attributes:
        name: The instance type.
        devices: Devices that it has.
        usd_per_hour: On-demand price; None where it is unknown.
        pool: Pool that would start it for the model's pods; empty where none would.
    """

    name: str
    devices: int
    usd_per_hour: float | None
    pool: str


@dataclass(frozen=True, slots=True)
class Way:
    """One device, number of ranks and precision.

    Attributes:
        machine: The model on its ranks.
        precision: How weights are stored, such as `bf16` or `fp8`.
        flags: Flags that differ from the model's own, by name.
        assessment: Whether it fits.
        room: Requests of the planned lengths that the cache holds.
        offers: Instance types, those of pools first, then by price of a device.
    """

    machine: Machine
    precision: str
    flags: dict[str, Any]
    assessment: Assessment
    room: float
    offers: tuple[Offer, ...]

    @property
    def fits(self) -> bool:
        """Return whether the model starts on it, as far as it is known."""
        return self.assessment.verdict is not FitVerdict.DOES_NOT_FIT and self.room >= 1


def ways(subject: Subject, lengths: Lengths, *, everywhere: bool = True) -> Iterator[Way]:
    """Yield the ways to serve a model, whether it fits or not.

    Args:
        subject: The model.
        lengths: The lengths of its requests.
        everywhere: Whether instance types that no pool has are looked at too.
    """
    kinds = _kinds(subject.region)
    legal = set(legal_tensor_parallel_sizes(subject.shape, max(RANKS)))
    longest = _longest(subject, lengths)
    for ranks in (each for each in RANKS if each in legal):
        pool_of = pools_for(subject, ranks)
        by_device: dict[Device, list[Offer]] = {}
        for device, kind, count in kinds:
            pool = pool_of.get(kind.name, "")
            if count >= ranks and (pool or everywhere):
                price = instance_price(kind.name, subject.region).usd_per_hour
                by_device.setdefault(device, []).append(Offer(kind.name, count, price, pool))
        for device, offers in by_device.items():
            for precision, flags in precisions(subject, device):
                yield _way(subject, lengths, device, ranks, precision, {**flags, **longest}, tuple(offers))


def way_now(subject: Subject, lengths: Lengths) -> Way | None:
    """Return how a model is served now, on the instance type that Karpenter takes first; None where none is known."""
    accepting = subject.placement.accepting
    option = accepting[0].options[0] if accepting else None
    accelerator = option.kind.accelerator if option is not None else None
    if option is None or accelerator is None:
        return None
    device = catalog.device(accelerator.name, accelerator.memory_mib)
    if device is None or device.memory_gb_per_s is None or not accelerator.count:
        return None
    price = instance_price(option.name, subject.region).usd_per_hour
    offer = Offer(option.name, accelerator.count, price, accepting[0].pool)
    precision, _ = next(iter(precisions(subject, device)))
    ranks = subject.model.settings.tensor_parallel_size
    return _way(subject, lengths, device, ranks, precision, {}, (offer,))


def _way(
    subject: Subject,
    lengths: Lengths,
    device: Device,
    ranks: int,
    precision: str,
    flags: dict[str, Any],
    offers: tuple[Offer, ...],
) -> Way:
    changed = {**flags, "tensor-parallel-size": ranks}
    told = {**subject.flags, **changed}
    found = assess(told, subject.version, subject.shape, device, environment=dict(subject.variables))
    each = request_bytes(subject.shape, found.settings, int(lengths.prompt + lengths.output))
    room = ROOM_SHARE * max(0.0, found.budget.kv_available_gib) * GIB / each if each else float("inf")
    work = model_work(subject.shape, str(told.get("quantization") or ""), found.settings.kv_dtype_bytes)
    own = {name: value for name, value in changed.items() if subject.flags.get(name, _DEFAULTS.get(name)) != value}
    return Way(Machine(work, device, ranks, subject.parsed_version or ()), precision, own, found, room, offers)


_DEFAULTS = {"tensor-parallel-size": 1}


def _longest(subject: Subject, lengths: Lengths) -> dict[str, Any]:
    """Return the flag that lets a request be as long as is planned for; empty where it may be already."""
    told = subject.flags.get("max-model-len")
    need = int(lengths.prompt + lengths.output)
    if not isinstance(told, int) or isinstance(told, bool) or told >= need:
        return {}
    return {"max-model-len": -(-need // LENGTH_STEP) * LENGTH_STEP}


def precisions(subject: Subject, device: Device) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the precisions that a model may have on a device, its own first, and the flags that ask for them."""
    stored = subject.shape.quantization
    told = str(subject.flags.get("quantization") or "")
    if stored is not None or told:
        yield (stored.method if stored is not None else told), {}
        return
    yield "bf16", {}
    if (device.compute_capability or (0, 0)) >= FP8_CAPABILITY:
        yield "fp8", {"quantization": ONLINE_FP8}


def pools_for(subject: Subject, ranks: int) -> dict[str, str]:
    """Return which pool starts which instance type for pods of the model that ask for so many GPUs."""
    shape = subject.placement.shape
    asked = {**shape.requests, WHOLE_GPU: ranks * 1000}
    own = replace(shape, requests=asked)
    found: dict[str, str] = {}
    for verdict in verdicts(own, cluster(subject.environment).templates):
        if verdict.accepted:
            for option in verdict.options:
                found.setdefault(option.name, verdict.pool)
    return found


def _kinds(region_name: str) -> list[tuple[Device, InstanceType, int]]:
    """Return the instance types of a region that have whole NVIDIA GPUs of known bandwidth."""
    region = catalog.region(region_name)
    if region is None:
        return []
    found = []
    for name in sorted(_gpu_types()):
        kind = instance_types()[name]
        accelerator = kind.accelerator
        if accelerator is None or name not in region.offers or kind.bare_metal:
            continue
        device = catalog.device(accelerator.name, accelerator.memory_mib)
        if device is not None and device.memory_gb_per_s is not None:
            found.append((device, kind, accelerator.count))
    return found


def _gpu_types() -> tuple[str, ...]:
    """Return the names of types of the families that have GPUs; the others are not decoded."""
    return tuple(name for name in instance_types() if name[0] in "gp" and name[1:2].isdigit())
