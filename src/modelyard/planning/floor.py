"""What no engine can beat: the time that reading weights and computing a prompt take at the peak of the devices."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.catalog import Device
from modelyard.planning.speed import Lengths, Machine


@dataclass(frozen=True, slots=True)
class Floor:
    """Least times in milliseconds; None where a fact of the device is missing, or nothing bounds them.

    Attributes:
        ttft_ms: Of the first token: the prompt's operations at the peak, and the weights read once.
        itl_ms: Of each further token: the weights and the request's own cache read once.
        itl_reason: The second in words.
        ttft_reason: The first in words.
    """

    ttft_ms: float | None
    itl_ms: float | None
    itl_reason: str = ""
    ttft_reason: str = ""


def floor(machine: Machine, lengths: Lengths, *, speculative: bool = False) -> Floor:
    """Return the least times of a deployment.

    The bounds are of one request alone, and count no padding, no overhead and no exchange. Of experts only those of one
    token are counted. Attention is counted over the prompt that is not in the prefix cache alone.

    Args:
        machine: The model on its ranks.
        lengths: The lengths of requests.
        speculative: Whether tokens are drafted: one reading of the weights may then give several.
    """
    work, device, ranks = machine.work, machine.device, machine.ranks
    if device.memory_gb_per_s is None:
        return Floor(None, None)
    bandwidth = device.memory_gb_per_s * 1e6
    weights = work.weight_bytes(1) / ranks
    read = (weights + work.cache_bytes(lengths.prompt, ranks)) / bandwidth
    name = device.name if ranks == 1 else f"{ranks} {device.name}"
    reason = (
        f"each token reads {(weights * ranks) / 1e9:.1f} GB of weights, and {name} read "
        f"{device.memory_gb_per_s * ranks:,.0f} GB/s at most"
        if ranks > 1
        else f"each token reads {weights / 1e9:.1f} GB of weights, and one {name} reads "
        f"{device.memory_gb_per_s:,.0f} GB/s at most"
    )
    computed = _computed_ms(machine, lengths)
    first = None if computed is None else max(computed, weights / bandwidth)
    told = f"{lengths.computed:,.0f} tokens of a prompt take that long at the peak of {name}"
    return Floor(first, None if speculative else read, reason, told)


def least_busy(machine: Machine, lengths: Lengths, requests: float, ttft_ms: float, itl_ms: float) -> float:
    """Return the share of the devices' time that a load needs at the least; above 1 it is none that they can carry.

    Kernels run one after another: those that multiply take the operations at the peak, those of attention read the
    cache at the bandwidth. Weights are read at least once for each token of an answer, beside the cache.

    Args:
        machine: The model on its ranks.
        lengths: The lengths of requests.
        requests: Requests in the engine, on average.
        ttft_ms: Mean or median time to the first token.
        itl_ms: Mean or median time between tokens.
    """
    whole = ttft_ms + itl_ms * max(0.0, lengths.output - 1)
    least = floor(machine, lengths)
    bandwidth = machine.device.memory_gb_per_s
    if bandwidth is None or whole <= 0:
        return 0.0
    decoding = requests * min(1.0, itl_ms * lengths.output / whole)
    cache = decoding * machine.work.cache_bytes(lengths.context, machine.ranks) / (bandwidth * 1e6) / itl_ms
    read = machine.work.weight_bytes(max(1.0, decoding)) / machine.ranks / (bandwidth * 1e6) / itl_ms
    computed = _computed_ms(machine, lengths)
    answer = _computed_ms(machine, Lengths(lengths.output, lengths.output))
    if computed is None or answer is None or least.ttft_ms is None:
        return cache + read
    return max(cache + read, cache + requests * (computed + answer) / whole)


def waited_for_a_place(machine: Machine, lengths: Lengths, requests: float, ttft_ms: float) -> bool:
    """Return whether requests waited for a place in the engine, and not for the prompts of others.

    All prompts of the others at a fifth of the peak, and a second, is more than any prompt waits for while every
    request has its place; one that waits longer is behind requests that must end first.

    Args:
        machine: The model on its ranks.
        lengths: The lengths of requests.
        requests: Requests that were sent and had no answer yet, on average.
        ttft_ms: Mean or median time to the first token.
    """
    alone = floor(machine, lengths).ttft_ms
    return alone is not None and requests > 1 and ttft_ms > 1000 + 5 * requests * alone


def _computed_ms(machine: Machine, lengths: Lengths) -> float | None:
    device = machine.device
    if not device.tflops_are_sure:
        return None
    total = 0.0
    for bits, operations in machine.work.operations:
        peak = _highest_peak(device, bits)
        if peak is None:
            return None
        total += operations * lengths.computed / (peak * 1e9)
    peak = _highest_peak(device, 8.0)  # attention may run in 8 bits
    if peak is None:
        return None
    return (total + machine.work.context_operations(lengths.computed) / (peak * 1e9)) / machine.ranks


def _highest_peak(device: Device, bits: float) -> float | None:
    """Return the highest peak at which any kernel may multiply weights of some bits: activations may be quantised."""
    kinds = ("fp16", "fp8", "int8", "fp4") if bits < 6 else ("fp16", "fp8", "int8") if bits < 12 else ("fp16",)
    known = [peak for kind in kinds if (peak := device.peak_tflops(kind)) is not None]
    return max(known) if device.peak_tflops("fp16") is not None else None
