"""What the KV cache needs and holds."""

from __future__ import annotations

from collections.abc import Callable

from modelyard.catalog import LayerKind, ModelShape
from modelyard.sizing.cache_plan import (
    PADDED_GROUPS,
    blocks_of_request,
    cache_plan,
    group_bytes_per_token,
    state_bytes,
)
from modelyard.sizing.compressed_cache import BLOCK_TOKENS, block_bytes, compressed_request_bytes, is_compressed
from modelyard.sizing.parallelism import stage_layers
from modelyard.sizing.settings import EffectiveSettings


def layer_bytes_per_token(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return what one layer of the model's usual heads keeps of one token on one rank, in bytes."""
    return group_bytes_per_token(shape, settings)


def bytes_per_token(shape: ModelShape, settings: EffectiveSettings, stage: int = 0) -> float:
    """Return what a rank keeps of a token while it is inside every window, in bytes."""
    if is_compressed(shape):
        return block_bytes(shape) / BLOCK_TOKENS
    plan = cache_plan(shape, settings, stage)
    kept = (bucket for bucket in plan.buckets if bucket.block_tokens and bucket.kind is not LayerKind.RECURRENT)
    if plan.group_layers:
        return sum(bucket.layers * plan.page_bytes / bucket.block_tokens for bucket in kept) * plan.share
    return sum(bucket.layers * bucket.page_bytes / bucket.block_tokens for bucket in kept) * plan.share


def request_bytes(shape: ModelShape, settings: EffectiveSettings, length: int, stage: int = 0) -> float:
    """Return what one request of `length` tokens needs on a rank, in bytes (`max_memory_usage_bytes` of each layer).

    Groups that are padded to a common number of layers count as padded since 0.13.
    """
    if is_compressed(shape):
        return compressed_request_bytes(shape, settings, length)
    plan = cache_plan(shape, settings, stage)
    total = 0.0
    for bucket in plan.buckets:
        blocks = blocks_of_request(plan, shape, settings, bucket, length)
        if not plan.group_layers:
            total += bucket.layers * blocks * bucket.page_bytes
        elif settings.version >= PADDED_GROUPS:
            total += bucket.groups * plan.group_layers * blocks * plan.page_bytes
        else:
            total += bucket.layers * blocks * plan.page_bytes
    return total * plan.share


def concurrency_bytes(shape: ModelShape, settings: EffectiveSettings, stage: int = 0) -> float:
    """Return what `max-num-seqs` needs in bytes where each request must have a block of recurrent state; 0 elsewhere.

    Since 0.20 the engine refuses to start when it captures CUDA graphs of more requests than there are blocks
    (`resolve_cudagraph_mode_and_sizes` in `vllm/config/compilation.py`).
    """
    plan = cache_plan(shape, settings, stage)
    recurrent = any(bucket.kind is LayerKind.RECURRENT for bucket in plan.buckets)
    if not recurrent or settings.enforce_eager or settings.version < (0, 20, 0):
        return 0.0
    return settings.max_num_seqs * plan.block_bytes


def reserved_state_gib(shape: ModelShape, settings: EffectiveSettings, stage: int = 0) -> float:
    """Return the recurrent state of all requests that the V0 engine reserves beside its cache, in GiB."""
    recurrent = sum(group.layers for group in shape.layer_groups if group.kind is LayerKind.RECURRENT)
    if not recurrent or not settings.first_engine:
        return 0.0
    share = stage_layers(shape.layers, settings.pipeline_parallel_size)[stage] / shape.layers
    return recurrent * share * settings.max_num_seqs * state_bytes(shape, settings) / 2**30


def largest_length(
    shape: ModelShape,
    settings: EffectiveSettings,
    available: float,
    stage: int = 0,
    *,
    beside: Callable[[int], float] | None = None,
) -> int:
    """Return the longest request in tokens that `available` bytes hold, at most the model's own limit; 0 for none.

    Args:
        shape: The model.
        settings: The engine's settings.
        available: Bytes of a rank.
        stage: The rank's pipeline stage.
        beside: What else a request of some tokens keeps there, in bytes.
    """
    low, high = 0, max(shape.max_positions or 0, settings.max_model_len, 1)
    while low < high:
        middle = (low + high + 1) // 2
        need = request_bytes(shape, settings, middle, stage) + (beside(middle) if beside is not None else 0.0)
        if need <= available:
            low = middle
        else:
            high = middle - 1
    return low


def has_windows(shape: ModelShape, settings: EffectiveSettings) -> bool:
    """Tell whether some layers hold less than the whole request."""
    if is_compressed(shape):
        return True
    return any(bucket.window is not None or not bucket.block_tokens for bucket in cache_plan(shape, settings).buckets)
