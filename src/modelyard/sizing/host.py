"""What the engine needs of its pod: memory and /dev/shm."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.catalog import ModelShape
from modelyard.sizing.overheads import GIB, lora_gib
from modelyard.sizing.settings import EffectiveSettings
from modelyard.sizing.weights import stored_weights_gib

MIB_PER_GIB = 1024

SHM = "/dev/shm"  # noqa: S108 - a name in messages; nothing is written there

BROADCAST_MIB = 16 * 10
"""Ring with which the scheduler tells its ranks what to run: 10 chunks of `VLLM_MQ_MAX_CHUNK_BYTES_MB` (16)."""

RESPONSE_MIB = 24 * 10
"""Ring with which one rank answers: 10 chunks of 24 MiB (`MessageQueue` in `shm_broadcast.py`, vLLM 0.33.0)."""

DEFAULT_SHM_MIB = 64
"""Size of /dev/shm where the pod mounts nothing there (container runtimes' default)."""

PROCESS_GIB = 2.0
"""Resident memory of the server and of each rank beside what is listed; an assumption, not calibrated."""


@dataclass(frozen=True, slots=True)
class HostNeed:
    """One thing that takes the pod's memory.

    Attributes:
        name: What it is.
        gib: How much, in GiB.
        in_shm: Whether it lies in /dev/shm, which counts against the pod's memory when the mount is memory-backed.
        assumed: Whether the figure is an assumption rather than a setting or a constant of the engine.
    """

    name: str
    gib: float
    in_shm: bool = False
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class HostBudget:
    """What the ranks of one pod need of it.

    Attributes:
        needs: Each thing, largest first.
        memory_gib: Memory of the pod, /dev/shm included.
        shm_gib: Size of /dev/shm.
    """

    needs: tuple[HostNeed, ...]
    memory_gib: float
    shm_gib: float


def host_budget(shape: ModelShape, settings: EffectiveSettings, *, ranks_in_pod: int | None = None) -> HostBudget:
    """Return what a pod needs for the ranks that run in it.

    Args:
        shape: The model.
        settings: The engine's settings.
        ranks_in_pod: Ranks that run in the pod; all of one data-parallel copy when not given.

    Returns:
        Needs that the settings or the engine's constants tell, and an assumed base for the processes. Page cache for
        reading weights is left out, because the kernel gives it back.
    """
    ranks = settings.devices_per_copy if ranks_in_pod is None else ranks_in_pod
    needs = [HostNeed(f"server and {ranks} rank{'s' if ranks > 1 else ''}", PROCESS_GIB * (ranks + 1), assumed=True)]
    if settings.devices_per_copy > 1:
        rings = (BROADCAST_MIB + RESPONSE_MIB * ranks) / MIB_PER_GIB
        needs.append(HostNeed("rings between the ranks", rings, in_shm=True))
    if settings.cpu_offload_gib:
        needs.append(HostNeed("weights kept in memory (cpu-offload-gb)", settings.cpu_offload_gib * ranks))
    if settings.kv_offload_gib:
        needs.append(HostNeed("KV cache kept in memory (kv-offloading-size)", settings.kv_offload_gib, in_shm=True))
    if settings.swap_space_gib:
        needs.append(HostNeed("swap for the KV cache (swap-space)", settings.swap_space_gib * ranks))
    if settings.streamer_buffer_gib:
        each = min(settings.streamer_buffer_gib, stored_weights_gib(shape))
        needs.append(HostNeed("buffers of the weights' streamer (memory_limit)", each * ranks))
    if settings.cpu_loras and settings.lora_slots:
        one = lora_gib(shape, settings, shape.layers) / settings.lora_slots
        needs.append(HostNeed("adapters kept in memory (max-cpu-loras)", one * settings.cpu_loras * ranks))
    if settings.images:
        needs.append(HostNeed("cache of processed images (mm-processor-cache-gb)", 4.0, assumed=True))
    needs.sort(key=lambda need: -need.gib)
    shared = sum(need.gib for need in needs if need.in_shm)
    return HostBudget(tuple(needs), sum(need.gib for need in needs), shared)


def host_problems(
    budget: HostBudget, *, memory_bytes: int | None, shm_bytes: int | None, default_shm: bool = False
) -> list[str]:
    """Return what a pod lacks, in sentences without a final stop.

    Args:
        budget: What its ranks need.
        memory_bytes: The container's memory limit; None for none.
        shm_bytes: Size limit of what is mounted at /dev/shm; None for a mount without a limit.
        default_shm: Whether nothing is mounted there, so that the container runtime's 64 MiB hold.
    """
    problems = []
    size = DEFAULT_SHM_MIB * 2**20 if default_shm else shm_bytes
    if size is not None and budget.shm_gib * GIB > size:
        parts = ", ".join(f"{need.name} {need.gib:.2f} GiB" for need in budget.needs if need.in_shm)
        problems.append(f"{SHM} has {size / GIB:.2f} GiB, the engine needs {budget.shm_gib:.2f} GiB ({parts})")
    certain = sum(need.gib for need in budget.needs if not need.assumed)
    if memory_bytes is not None and certain * GIB > memory_bytes:
        parts = ", ".join(f"{need.name} {need.gib:.1f} GiB" for need in budget.needs if not need.assumed)
        limit = memory_bytes / GIB
        problems.append(f"the memory limit is {limit:.1f} GiB, the settings keep {certain:.1f} GiB there ({parts})")
    return problems
