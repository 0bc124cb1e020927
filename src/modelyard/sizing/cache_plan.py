"""How the layers of a rank share one pool of cache blocks.

vLLM's V1 engine puts layers that keep the same into groups of as many layers each, gives every group blocks of one
size, and lets a request take blocks for each group (`get_kv_cache_groups`, `unify_kv_cache_spec_page_size` and
`_max_memory_usage_bytes_from_groups` in `vllm/v1/core/kv_cache_planning.py` of 0.33.0, `kv_cache_utils.py` before).
Where recurrent layers stand among attention, a block of tokens is made as large as a state
(`HybridAttentionMambaModelConfig` in `vllm/model_executor/models/config.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, lcm

from modelyard.catalog import LayerGroup, LayerKind, ModelShape
from modelyard.sizing.engine_defaults import concurrent_batches, has_hybrid_cache
from modelyard.sizing.parallelism import stage_layers
from modelyard.sizing.settings import DTYPE_BYTES, EffectiveSettings

INDEXER_SCALE = 4
"""Bytes of the scale beside 128 values of a sparse attention's indexer (`deepseek_v2.py`)."""

INDEX_KEY_BYTES = 2
"""Bytes of a value of an indexer's keys beside heads (`indexer_kv_dtype`, 16 bits unless somebody asks for others)."""

SPARSE_FP8_BYTES = 656
"""Bytes of a token in a layer of latent attention with an indexer and an 8-bit cache (`flashmla_sparse.py`)."""

PADDED_GROUPS = (0, 13, 0)
"""Since then the check at start counts the layers that groups are padded with (in 0.14.1, not in 0.11.0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Layers that keep the same.

    Attributes:
        kind: What they keep.
        window: Tokens of their window or chunk.
        layers: How many there are in the whole model.
        groups: Groups that they are put in.
        page_bytes: Bytes of a block in one layer, without padding.
        block_tokens: Tokens of a block; 0 where a block is one state.
    """

    kind: LayerKind
    window: int | None
    layers: int
    groups: int = 1
    page_bytes: float
    block_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePlan:
    """The pool of cache blocks of a rank.

    Attributes:
        buckets: Layers by what they keep.
        group_layers: Layers of a group; 0 where nothing is grouped and each layer has its own blocks.
        page_bytes: Bytes of a block in one layer, padding included.
        share: Share of the layers that the rank's pipeline stage has.
    """

    buckets: tuple[Bucket, ...]
    group_layers: int
    page_bytes: float
    share: float

    @property
    def block_bytes(self) -> float:
        """Bytes that one block of the pool takes on the rank."""
        if self.group_layers:
            return self.group_layers * self.page_bytes * self.share
        return sum(bucket.layers * bucket.page_bytes for bucket in self.buckets) * self.share


def group_bytes_per_token(shape: ModelShape, settings: EffectiveSettings, group: LayerGroup | None = None) -> float:
    """Return what one layer keeps of one token on one rank, in bytes.

    Latent attention keeps one vector on every rank; otherwise keys and values of the rank's heads are kept, at least
    one head (`ModelConfig.get_num_kv_heads`). Scales of quantised caches are left out.
    """
    latent, size = shape.latent_attention, settings.kv_dtype_bytes
    if latent is not None:
        kept = (latent.kv_lora_rank + latent.qk_rope_head_dim) * size
        if shape.index_dim:
            kept = SPARSE_FP8_BYTES if size < 2 else kept
            kept += shape.index_dim + ceil(shape.index_dim / 128) * INDEXER_SCALE
        return kept
    heads, width, value = shape.key_value_heads, shape.head_dim, None
    if group is not None:
        heads, width, value = group.key_value_heads or heads, group.head_dim or width, group.value_dim
    return max(1, heads // settings.tensor_parallel_size) * (width + (value or width)) * size


def state_bytes(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return what one recurrent layer keeps of one request on one rank, in bytes (`MambaStateShapeCalculator`)."""
    kept = shape.recurrence
    if kept is None:
        return 0.0
    ranks = settings.tensor_parallel_size
    channels = kept.convolution
    if kept.groups and kept.groups % ranks:
        channels += (ranks - kept.groups) * kept.group_channels  # groups are repeated for the heads of every rank
    steps = kept.kernel - 1 + settings.speculative_tokens
    asked = settings.state_dtype if settings.state_dtype != "auto" else kept.state_dtype
    width = settings.dtype_bytes if asked == "auto" else DTYPE_BYTES.get(asked, 4.0)
    return channels / ranks * max(0, steps) * settings.dtype_bytes + kept.state / ranks * width


@lru_cache(maxsize=4096)
def cache_plan(shape: ModelShape, settings: EffectiveSettings, stage: int = 0) -> CachePlan:
    """Return how the layers of a pipeline stage share the cache."""
    share = stage_layers(shape.layers, settings.pipeline_parallel_size)[stage] / shape.layers
    buckets = _buckets(shape, settings)
    # Layers of one kind are one group, whatever their sizes (`UniformTypeKVCacheSpecs`).
    alike = len({(bucket.kind, bucket.window) for bucket in buckets}) <= 1
    attended = {bucket.kind for bucket in buckets}
    if alike or not (settings.hybrid_cache and has_hybrid_cache(settings.version)) or shape.encoder_positions:
        return CachePlan(buckets=buckets, group_layers=0, page_bytes=0.0, share=share)
    if LayerKind.RECURRENT in attended and settings.first_engine:
        return CachePlan(buckets=buckets, group_layers=0, page_bytes=0.0, share=share)
    counts = [bucket.layers for bucket in buckets]
    # A few layers more of one kind are padded rather than cut into groups (1.25 times before 0.18, 1.5 since).
    limit = 1.5 if settings.version >= (0, 18, 0) else 1.25
    size = max(counts) if max(counts) < min(counts) * limit else min(counts)
    page = max(bucket.page_bytes for bucket in buckets)
    planned = []
    for bucket in buckets:
        tokens = bucket.block_tokens
        if bucket.page_bytes and page % bucket.page_bytes == 0:
            tokens = int(tokens * page // bucket.page_bytes)
        planned.append(
            Bucket(
                kind=bucket.kind,
                window=bucket.window,
                layers=bucket.layers,
                groups=ceil(bucket.layers / size),
                page_bytes=bucket.page_bytes,
                block_tokens=tokens,
            )
        )
    return CachePlan(buckets=tuple(planned), group_layers=size, page_bytes=page, share=share)


def _buckets(shape: ModelShape, settings: EffectiveSettings) -> tuple[Bucket, ...]:
    hybrid = settings.hybrid_cache and has_hybrid_cache(settings.version)
    found: dict[tuple[LayerKind, int | None, float], int] = {}
    for group in shape.layer_groups:
        if group.kind in (LayerKind.ENCODER, LayerKind.RECURRENT) or group.layers < 1:
            continue
        kind, window = (group.kind, group.window) if hybrid else (LayerKind.FULL, None)
        key = kind, window, group_bytes_per_token(shape, settings, group)
        found[key] = found.get(key, 0) + group.layers
    if settings.speculates_with_own_layers and shape.draft_layers:
        key = LayerKind.FULL, None, group_bytes_per_token(shape, settings)
        found[key] = found.get(key, 0) + shape.draft_layers
    recurrent = sum(group.layers for group in shape.layer_groups if group.kind is LayerKind.RECURRENT)
    block, state = settings.block_size, state_bytes(shape, settings)
    if recurrent and found and not settings.first_engine:
        block = _block_of_a_state(shape, settings, state, max(each for _, _, each in found))
    buckets = [
        Bucket(kind=kind, window=window, layers=layers, page_bytes=each * block, block_tokens=block)
        for (kind, window, each), layers in found.items()
    ]
    if shape.index_layers and shape.index_dim:
        page = shape.index_dim * INDEX_KEY_BYTES * block
        buckets.append(
            Bucket(kind=LayerKind.FULL, window=None, layers=shape.index_layers, page_bytes=page, block_tokens=block)
        )
    if recurrent and not settings.first_engine:
        buckets.append(
            Bucket(kind=LayerKind.RECURRENT, window=None, layers=recurrent, page_bytes=state, block_tokens=0)
        )
    return tuple(buckets)


def _block_of_a_state(shape: ModelShape, settings: EffectiveSettings, state: float, each: float) -> int:
    """Return the tokens of a block that is as large as a state."""
    step = 64 if shape.latent_attention is not None else 16
    if settings.prefix_caching_of_states and shape.recurrence is not None and shape.recurrence.kind == "mamba2":
        step = lcm(step, shape.recurrence.chunk or step)
    return max(settings.block_size, step * ceil(state / (step * each)))


def blocks_of_request(
    plan: CachePlan, shape: ModelShape, settings: EffectiveSettings, bucket: Bucket, length: int
) -> float:
    """Return the blocks that a request of `length` tokens takes in one group of a bucket.

    A sliding layer holds its window and what is in flight, rounded up to blocks, and one block more; a chunked layer
    its chunk and what is in flight; a recurrent one its state, and the one before where prefixes are cached. For
    attention to an encoder, every layer holds as many tokens more as one batch has (`CrossAttentionSpec`).
    """
    del plan
    block = max(1, bucket.block_tokens)
    in_flight = concurrent_batches(settings.version, settings.pipeline_parallel_size) * settings.max_num_batched_tokens
    if bucket.kind is LayerKind.RECURRENT:
        return (2 if settings.prefix_caching_of_states else 1) + settings.speculative_tokens
    if bucket.kind is LayerKind.SLIDING and bucket.window is not None:
        held = ceil(min(bucket.window - 1 + in_flight, length) / block) + 1
    elif bucket.kind is LayerKind.CHUNKED and bucket.window is not None:
        held = ceil(min(bucket.window + in_flight, length) / block)
    else:
        held = ceil(ceil(length / settings.decode_context_parallel_size) / block)
    if shape.encoder_positions:
        held += ceil(settings.max_num_batched_tokens / block)
    return held
