"""The cache of a model whose attention keeps one vector of several tokens (DeepSeek V4).

Layers that keep a vector of every 4 tokens keep an indexer's key of each as well, others keep one of every 128; all
layers keep the last tokens as they are, and what is not compressed yet lies in states of a few tokens. A block of 256
tokens of all these is one tuple of pages, and every kind of layer is put in groups of as many tuples
(`vllm/models/deepseek_v4/`, `_get_kv_cache_groups_uniform_groups` in `vllm/v1/core/kv_cache_utils.py`, 0.23.0 to
0.29.0). A log of 0.23.0 prints 8.298 requests of 262,144 tokens, which these blocks give with the bytes of each layer
as vLLM counts them there; its check at start counts every group as padded, as is done here.
"""

from __future__ import annotations

from math import ceil

from modelyard.catalog import ModelShape
from modelyard.sizing.engine_defaults import concurrent_batches
from modelyard.sizing.settings import EffectiveSettings

READ_SINCE = (0, 20, 0)
"""The first version with such a model."""

FOURTH, WHOLE = 4, 128
"""Tokens of a vector."""

BLOCK_TOKENS = 256

ALIGNED = 576
"""Pages are padded to a multiple of as many bytes."""

VECTOR_BYTES = 584
"""An 8-bit vector of 448 values, 64 positions in 16 bits and the scales (`fp8_ds_mla`)."""

KEY_BYTES = 132
"""An indexer's key of 128 values and its scale."""

STATE_TOKENS = {FOURTH: 4, WHOLE: 8}
"""Tokens of a block of what is not compressed yet."""

STATE_WINDOW = {FOURTH: 8, WHOLE: 128}
"""Tokens that a state reaches back: those of a vector, twice where neighbours overlap."""

RECENT_BLOCK = 64
"""Tokens of a block of the last tokens."""


def _page(rows: int, width: int) -> int:
    return ceil(rows * width / ALIGNED) * ALIGNED


VECTORS = _page(BLOCK_TOKENS // FOURTH, VECTOR_BYTES)
KEYS = _page(BLOCK_TOKENS // FOURTH, KEY_BYTES)
SPARSE = _page(BLOCK_TOKENS // WHOLE, VECTOR_BYTES)


def is_compressed(shape: ModelShape) -> bool:
    """Tell whether attention keeps one vector of several tokens."""
    return shape.compressed != (0, 0)


def is_modelled(shape: ModelShape, settings: EffectiveSettings) -> bool:
    """Tell whether the cache of such a model is computed: the one layout that was read, on one stage, undrafted."""
    return (
        settings.version >= READ_SINCE
        and settings.kv_dtype.startswith("fp8")
        and shape.head_dim == VECTOR_BYTES - 72
        and settings.pipeline_parallel_size == 1
        and settings.decode_context_parallel_size == 1
        and not settings.speculates_with_own_layers
    )


def tuples_of_a_group(shape: ModelShape) -> int:
    """Return how many tuples of pages a group has: as many as pad the kinds of layers least."""
    fourth, whole = shape.compressed
    counts = (max(fourth, whole), shape.layers, fourth, whole)
    sizes = range(max(fourth, whole), max(counts) + 1)
    return min(sizes, key=lambda size: (sum(-count % size for count in counts), -size))


def block_bytes(shape: ModelShape) -> float:
    """Return the bytes of one block of the pool."""
    fourth, whole = shape.compressed
    return tuples_of_a_group(shape) * VECTORS + fourth * KEYS + whole * SPARSE


def compressed_request_bytes(shape: ModelShape, settings: EffectiveSettings, length: int) -> float:
    """Return what one request of `length` tokens needs on a rank, in bytes; every rank keeps all of it."""
    size = tuples_of_a_group(shape)
    batches = concurrent_batches(settings.version, settings.pipeline_parallel_size)
    in_flight = batches * settings.max_num_batched_tokens
    blocks = ceil(length / BLOCK_TOKENS)
    blocks += ceil(shape.layers / size) * _windowed(shape.compressed_window, in_flight, length, RECENT_BLOCK)
    for layers, kept in zip(shape.compressed, (FOURTH, WHOLE), strict=True):
        each = _windowed(STATE_WINDOW[kept], in_flight, length, STATE_TOKENS[kept])
        blocks += ceil(layers / size) * each
    return float(blocks * size * (VECTORS + KEYS + SPARSE))


def _windowed(window: int, in_flight: int, length: int, block: int) -> int:
    return ceil(min(window - 1 + in_flight, length) / block) + 1
