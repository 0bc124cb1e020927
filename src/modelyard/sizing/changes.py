"""The nearest changes that would make a model fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.catalog import Device, ModelShape
from modelyard.sizing.fit import Assessment, FitVerdict, assess
from modelyard.sizing.kv_cache import largest_length
from modelyard.sizing.overheads import GIB
from modelyard.sizing.parallelism import legal_tensor_parallel_sizes
from modelyard.sizing.support import largest_share

SHORTEST = 1024
"""Shortest context that is still proposed."""

MOST_RANKS = 16
"""Largest tensor-parallel size that is proposed: two nodes of eight devices."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of settings after which the model fits.

    Attributes:
        flags: The flags to set.
        text: The change and what it leads to, in a few words.
        assessment: What the model's assessment is then.
    """

    flags: Mapping[str, Any]
    text: str
    assessment: Assessment


def changes_that_fit(
    assessment: Assessment,
    flags: Mapping[str, Any],
    version: str,
    shape: ModelShape,
    *,
    total_gib: float | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[Change, ...]:
    """Return single changes of settings after which the verdict is "fits", the one that costs least first.

    Args:
        assessment: What the deployment's assessment is now.
        flags: Its flags.
        version: vLLM's version.
        shape: The model.
        total_gib: Memory of the device where it is not the device's own.
        environment: Environment variables of the engine's container.

    Returns:
        Shorter context, an 8-bit cache, smaller batches, 8-bit weights, more ranks, in this order; empty when none
        of them is enough alone. What cannot be modelled keeps the verdict unsure, so nothing is returned then.
    """
    device = assessment.device
    found = []
    for candidate, text in _candidates(assessment, shape, device):
        again = assess(
            {**_plain(flags), **candidate},
            version,
            shape,
            device,
            total_gib=total_gib,
            environment=environment,
            sharing=assessment.sharing,
            draft=assessment.draft,
        )
        if again.verdict is FitVerdict.FITS:
            found.append(Change(candidate, text + _outcome(again), again))
    return tuple(_first_of_each(found))


def _candidates(assessment: Assessment, shape: ModelShape, device: Device) -> Iterator[tuple[dict[str, Any], str]]:
    settings, budget = assessment.settings, assessment.budget
    if settings.gpu_memory_utilization * settings.sharers > 1:
        share = largest_share(settings.sharers)
        for part in (share, share - 0.02, share - 0.05):
            yield {"gpu-memory-utilization": round(part, 2)}, f"gpu-memory-utilization {part:.2f}"
    room = budget.kv_available_gib - assessment.needed_margin_gib
    if room > 0:
        length = _round_number(min(largest_length(shape, settings, room * GIB, budget.stage), budget.max_model_len - 1))
        if length >= SHORTEST:
            yield {"max-model-len": length}, f"max-model-len {length} (with margin)"
    capability = device.compute_capability or (0, 0)
    if settings.kv_cache_dtype == "auto" and capability >= (8, 9):
        yield {"kv-cache-dtype": "fp8"}, "kv-cache-dtype fp8"
    for requests in (256, 128, 64):
        if requests < settings.max_num_seqs:
            tokens = min(settings.max_num_batched_tokens, 8192)
            yield (
                {"max-num-seqs": requests, "max-num-batched-tokens": tokens},
                f"max-num-seqs {requests}",
            )
    if shape.quantization is None and not settings.quantization and capability >= (8, 9):
        yield {"quantization": "fp8"}, "quantization fp8"
    for ranks in legal_tensor_parallel_sizes(shape, MOST_RANKS, expert_parallel=settings.expert_parallel):
        if ranks > settings.tensor_parallel_size and ranks & (ranks - 1) == 0:
            yield {"tensor-parallel-size": ranks}, f"tensor-parallel-size {ranks}"


def _outcome(again: Assessment) -> str:
    budget = again.budget
    if budget.requests < 1:
        return ""
    requests = "1 such request" if budget.requests == 1 else f"{budget.requests} such requests"
    each = "per GPU" if again.device.kind == "gpu" else "per core"
    return f": {budget.kv_available_gib:.1f} GiB {each} for {requests}"


def _first_of_each(found: list[Change]) -> Iterator[Change]:
    seen: set[str] = set()
    for change in found:
        flag = next(iter(change.flags))
        if flag not in seen:
            seen.add(flag)
            yield change


def _plain(flags: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name).lstrip("-").replace("_", "-"): value for name, value in flags.items()}


def _round_number(length: int) -> int:
    """Return the length rounded down to two leading digits, which people can remember."""
    step = int(10 ** max(0, len(str(length)) - 2))
    return length // step * step
