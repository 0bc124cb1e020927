"""What the KV cache needs and holds."""

from __future__ import annotations

from collections.abc import Callable

from modelyard.catalog import LayerKind, ModelShape
from modelyard.sizing.engine_defaults import concurrent_batches, has_hybrid_cache
from modelyard.sizing.parallelism import stage_layers
from modelyard.sizing.settings import EffectiveSettings


def layer_bytes_per_token(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return what one layer keeps of one token on one rank, in bytes.

    Latent attention keeps one vector on every rank; otherwise keys and values of the rank's heads are kept, at least
    one head (`ModelConfig.get_num_kv_heads`). Scales of quantised caches are left out.
    """
    latent = shape.latent_attention
    if latent is not None:
        return (latent.kv_lora_rank + latent.qk_rope_head_dim) * settings.kv_dtype_bytes
    heads = max(1, shape.key_value_heads // settings.tensor_parallel_size)
    return 2 * heads * shape.head_dim * settings.kv_dtype_bytes


def cached_layers(
    shape: ModelShape, settings: EffectiveSettings, stage: int = 0
) -> dict[tuple[LayerKind, int | None], float]:
    """Return the layers of a stage that keep tokens, by kind and window; windows count only with the hybrid cache."""
    share = stage_layers(shape.layers, settings.pipeline_parallel_size)[stage] / shape.layers
    hybrid = settings.hybrid_cache and has_hybrid_cache(settings.version)
    found: dict[tuple[LayerKind, int | None], float] = {}
    for group in shape.layer_groups:
        if group.kind in (LayerKind.RECURRENT, LayerKind.ENCODER):
            continue
        key = (group.kind, group.window) if hybrid else (LayerKind.FULL, None)
        found[key] = found.get(key, 0.0) + group.layers * share
    return found


def bytes_per_token(shape: ModelShape, settings: EffectiveSettings, stage: int = 0) -> float:
    """Return what a rank keeps of a token while it is inside every window, in bytes."""
    return sum(cached_layers(shape, settings, stage).values()) * layer_bytes_per_token(shape, settings)


def request_bytes(shape: ModelShape, settings: EffectiveSettings, length: int, stage: int = 0) -> float:
    """Return what one request of `length` tokens needs on a rank, in bytes (`max_memory_usage_bytes` of each layer).

    A sliding layer holds its window and what is in flight, rounded up to blocks, and one block more; a chunked layer
    its chunk and what is in flight. For attention to an encoder, every layer holds as many tokens more as one batch has
    (`CrossAttentionSpec`: `max_num_encoder_input_tokens`, which is `max_num_batched_tokens`).
    """
    block = settings.block_size
    stages = settings.pipeline_parallel_size
    in_flight = concurrent_batches(settings.version, stages) * settings.max_num_batched_tokens
    context_ranks = settings.decode_context_parallel_size
    blocks = 0.0
    for (kind, window), layers in cached_layers(shape, settings, stage).items():
        if kind is LayerKind.SLIDING and window is not None:
            held = _blocks(min(window - 1 + in_flight, length), block) + 1
        elif kind is LayerKind.CHUNKED and window is not None:
            held = _blocks(min(window + in_flight, length), block)
        else:
            held = _blocks(-(-length // context_ranks), block)
        if shape.encoder_positions:
            held += _blocks(settings.max_num_batched_tokens, block)
        blocks += layers * held
    return blocks * block * layer_bytes_per_token(shape, settings)


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
    return any(window is not None for _, window in cached_layers(shape, settings))


def _blocks(tokens: int, block: int) -> int:
    return -(-tokens // block)
