"""What each layer of a model is made of, as its `config.json` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from modelyard.catalog.config_fields import count, first_count, listed, whole_numbers
from modelyard.catalog.shapes import LayerKind

LAYER_TYPES = {
    "full_attention": LayerKind.FULL,
    "attention": LayerKind.FULL,
    "sliding_attention": LayerKind.SLIDING,
    "chunked_attention": LayerKind.CHUNKED,
    "deepseek_sparse_attention": LayerKind.FULL,
    "linear_attention": LayerKind.RECURRENT,
    "mamba": LayerKind.RECURRENT,
    "conv": LayerKind.RECURRENT,
    "hybrid": LayerKind.RECURRENT,
}
"""Entries of `layer_types`."""

PLACED = ("bert", "roberta", "xlm-roberta")
"""Encoders with a table of learned positions."""

ENCODERS = (*PLACED, "gte", "llama_bidirec", "modernbert", "new", "nomic_bert")
"""Model types without a decoder: vLLM runs them with attention over the whole text and no cache."""


class Feed(StrEnum):
    """What follows the attention or the recurrence of a layer."""

    NONE = "none"
    DENSE = "dense"
    EXPERTS = "experts"


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """One layer.

    Attributes:
        kind: What it keeps of the tokens; None for a layer with neither attention nor recurrence.
        feed: What follows.
        heads: Query heads of an attention.
        key_value_heads: Its key and value heads.
        head_dim: Width of a query or key head.
        value_dim: Width of a value head.
        width: Width of a dense MLP; 0 for the model's.
        window: Tokens of its window or chunk.
        keeps: Whether the layer has a cache of its own rather than an earlier layer's.
        linear: Whether the attention is one square matrix (`replace_with_linear`).
    """

    kind: LayerKind | None
    feed: Feed
    heads: int = 0
    key_value_heads: int = 0
    head_dim: int = 0
    value_dim: int = 0
    width: int = 0
    window: int | None = None
    keeps: bool = True
    linear: bool = False


def compressed_layers(text: Mapping[str, Any]) -> tuple[int, int]:
    """Return the layers that keep a vector of every 4 tokens, and of every 128; zeros where others are named."""
    ratios = text.get("compress_ratios")
    if not isinstance(ratios, list):
        return 0, 0
    # The list goes on for the layers that predict further tokens.
    own = ratios[: count(text, "num_hidden_layers")]
    if any(ratio not in (0, 1, 4, 128) for ratio in own):
        return 0, 0
    return own.count(4), own.count(128)


def layer_plans(text: Mapping[str, Any], unmodelled: list[str]) -> tuple[LayerPlan, ...]:
    """Return the layers of a decoder; what the config leaves open is added to `unmodelled`."""
    layers = count(text, "num_hidden_layers")
    if isinstance(text.get("compress_ratios"), list) and compressed_layers(text) == (0, 0):
        unmodelled.append("the cache of compressed attention (compress_ratios)")
    if isinstance(text.get("block_configs"), list):
        return _searched(text, text["block_configs"], unmodelled)
    pattern = _pattern(text, layers)
    if pattern is not None:
        return tuple(_of_mark(text, mark) for mark in pattern)
    if text.get("moe_every_n_layers") and has_experts(text):
        unmodelled.append("experts of every n-th layer of an encoder (moe_every_n_layers)")
    if text.get("model_type") == "falcon_h1":
        # Each layer has both, one beside the other.
        both = (_attention(text, LayerKind.RECURRENT, Feed.NONE), _attention(text, LayerKind.FULL, Feed.DENSE))
        return both * layers
    kinds = _kinds(text, layers, unmodelled)
    feeds = _feeds(text, layers, kinds)
    shared = count(text, "num_kv_shared_layers", 0)
    plans = []
    for at, (kind, feed) in enumerate(zip(kinds, feeds, strict=True)):
        plans.append(_attention(text, kind, feed, keeps=at < layers - shared))
    return tuple(plans)


def _attention(text: Mapping[str, Any], kind: LayerKind, feed: Feed, *, keeps: bool = True) -> LayerPlan:
    heads = count(text, "num_attention_heads")
    groups = count(text, "num_key_value_heads", heads)
    width = count(text, "head_dim", max(1, count(text, "hidden_size") // heads))
    value = count(text, "v_head_dim", width) if not text.get("kv_lora_rank") else width
    window = None
    if kind is LayerKind.SLIDING:
        window = first_count(text, "sliding_window", "sliding_window_size") or None
        heads = count(text, "swa_num_attention_heads", heads)
        groups = count(text, "swa_num_key_value_heads", groups)
        width = count(text, "swa_head_dim", width)
        value = count(text, "swa_v_head_dim", value if text.get("v_head_dim") else width)
        other = text.get("attention_other_setting")
        if isinstance(other, Mapping):
            heads = count(other, "num_attention_heads", heads)
            groups = count(other, "num_attention_groups", groups)
            width = value = count(other, "head_dim", width)
    elif kind is LayerKind.CHUNKED:
        window = count(text, "attention_chunk_size", 0) or None
    elif kind is LayerKind.FULL and text.get("global_head_dim"):
        width = value = count(text, "global_head_dim")
        groups = count(text, "num_global_key_value_heads", groups)
    if kind is LayerKind.RECURRENT:
        return LayerPlan(kind, feed)
    return LayerPlan(kind, feed, heads, groups, width, value, window=window, keeps=keeps)


def _searched(text: Mapping[str, Any], blocks: list[Any], unmodelled: list[str]) -> tuple[LayerPlan, ...]:
    """Return the layers of an architecture search (Nemotron NAS): each has its own heads and width, or none."""
    heads, hidden = count(text, "num_attention_heads"), count(text, "hidden_size")
    width = count(text, "head_dim", max(1, hidden // heads))
    plans = []
    for block in blocks:
        attention = block.get("attention") if isinstance(block, Mapping) else None
        ffn = block.get("ffn") if isinstance(block, Mapping) else None
        if not isinstance(attention, Mapping) or not isinstance(ffn, Mapping):
            unmodelled.append("block_configs without attention and ffn")
            continue
        inner, linear = 0, bool(attention.get("replace_with_linear"))
        if not ffn.get("no_op"):
            inner = _searched_width(ffn, hidden)
        feed = Feed.DENSE if inner else Feed.NONE
        if attention.get("no_op") or linear:
            plans.append(LayerPlan(None, feed, width=inner, linear=linear))
            continue
        in_group = attention.get("n_heads_in_group")
        groups = heads // in_group if isinstance(in_group, int) and in_group > 0 else 0
        groups = groups or count(attention, "num_key_value_heads", heads)
        window = attention.get("window_length") if isinstance(attention.get("window_length"), int) else None
        kind = LayerKind.SLIDING if window else LayerKind.FULL
        plans.append(LayerPlan(kind, feed, heads, groups, width, width, width=inner, window=window))
        if ffn.get("moe") or ffn.get("replace_with_linear"):
            unmodelled.append("block_configs with experts or linear layers")
    return tuple(plans)


def _searched_width(ffn: Mapping[str, Any], hidden: int) -> int:
    """Return the width of an MLP: its own, or 2/3 x multiplier x hidden rounded up to 256 (`nemotron_nas.py`)."""
    own = ffn.get("intermediate_size")
    if isinstance(own, int) and own > 0:
        return own
    factor = ffn.get("ffn_mult")
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 < factor < 100:
        return 0
    return -(-int(2 * factor * hidden / 3) // 256) * 256


_MARKS = {
    "M": (LayerKind.RECURRENT, Feed.NONE),
    "*": (LayerKind.FULL, Feed.NONE),
    "-": (None, Feed.DENSE),
    "E": (None, Feed.EXPERTS),
}
_WORDS = {"mamba": "M", "attention": "*", "mlp": "-", "moe": "E"}


def _pattern(text: Mapping[str, Any], layers: int) -> list[str] | None:
    """Return the marks of a model each of whose layers is only one thing (Nemotron-H)."""
    pattern = text.get("hybrid_override_pattern")
    if isinstance(pattern, str):
        marks = [mark for mark in pattern if mark in _MARKS]
        return marks if len(marks) == layers else None
    words = listed(text, "layers_block_type", layers) if text.get("model_type") == "nemotron_h" else None
    if words is not None and all(word in _WORDS for word in words):
        return [_WORDS[word] for word in words]
    return None


def _of_mark(text: Mapping[str, Any], mark: str) -> LayerPlan:
    kind, feed = _MARKS[mark]
    return LayerPlan(None, feed) if kind is None else _attention(text, kind, feed)


def _kinds(text: Mapping[str, Any], layers: int, unmodelled: list[str]) -> list[LayerKind]:
    window = first_count(text, "sliding_window", "sliding_window_size") if text.get("use_sliding_window", True) else 0
    kinds = _hybrid(text, layers, unmodelled) or _windowed(text, layers, window)
    windows = {LayerKind.SLIDING: window, LayerKind.CHUNKED: count(text, "attention_chunk_size", 0)}
    if any(kind in kinds and not size for kind, size in windows.items()):
        unmodelled.append("window of sliding or chunked layers")
        kinds = [kind if windows.get(kind, 1) else LayerKind.FULL for kind in kinds]
    return kinds


def _hybrid(text: Mapping[str, Any], layers: int, unmodelled: list[str]) -> list[LayerKind]:
    """Return the layers where the config tells recurrent layers from others; empty where it does not."""

    def full_where(full: Any) -> list[LayerKind]:
        return [LayerKind.FULL if full(at) else LayerKind.RECURRENT for at in range(layers)]

    every = text.get("layer_types")
    # The list may go on for the layers that predict further tokens.
    types = every[:layers] if isinstance(every, list) and len(every) >= layers else None
    types = types or listed(text, "layers_block_type", layers)
    if types is not None:
        unknown = sorted({str(kind) for kind in types} - LAYER_TYPES.keys())
        if unknown:
            unmodelled.append(f"layer types {', '.join(unknown)}")
        return [LAYER_TYPES.get(str(kind), LayerKind.FULL) for kind in types]
    numbers = listed(text, "attn_type_list", layers)  # MiniMax: 1 is softmax attention, 0 a linear one
    if numbers is not None:
        return full_where(lambda at: numbers[at] == 1)
    mixed = listed(text, "hybrid_layer_pattern", layers)  # MiMo: 1 is a window
    if mixed is not None:
        return [LayerKind.SLIDING if each == 1 else LayerKind.FULL for each in mixed]
    linear = text.get("linear_attn_config")
    if isinstance(linear, Mapping):
        attended = whole_numbers(linear, "full_attn_layers")  # counted from 1
        return full_where(lambda at: at + 1 in attended)
    if period := count(text, "attn_layer_period", 0):
        offset = count(text, "attn_layer_offset", 0)
        return full_where(lambda at: at % period == offset)
    for key in ("attn_layer_indices", "full_attn_idxs"):
        if isinstance(text.get(key), list):
            chosen = whole_numbers(text, key)
            return full_where(lambda at, chosen=chosen: at in chosen)
    if (interval := count(text, "full_attention_interval", 0)) and text.get("linear_num_value_heads"):
        return full_where(lambda at: (at + 1) % interval == 0)
    return []


def _windowed(text: Mapping[str, Any], layers: int, window: int) -> list[LayerKind]:
    kind = str(text.get("model_type") or "")
    if text.get("attention_chunk_size"):
        bare = listed(text, "no_rope_layers", layers)
        every = count(text, "no_rope_layer_interval", 0) or 4
        if bare is None:
            bare = [int((at + 1) % every != 0) for at in range(layers)]
        return [LayerKind.CHUNKED if uses_rope else LayerKind.FULL for uses_rope in bare]
    # `sliding_window_pattern` of Gemma 3 and Cohere 2 (`_sliding_window_pattern` where a newer library wrote it).
    every = first_count(text, "sliding_window_pattern", "_sliding_window_pattern")
    every = every or (6 if kind.startswith("gemma3") else 0)
    if window and every:
        return [LayerKind.SLIDING if (at + 1) % every else LayerKind.FULL for at in range(layers)]
    if window and kind.startswith("gemma2"):
        return [LayerKind.FULL if at % 2 else LayerKind.SLIDING for at in range(layers)]
    if window and window < count(text, "max_position_embeddings", window + 1):
        return [LayerKind.SLIDING] * layers
    return [LayerKind.FULL] * layers


def _feeds(text: Mapping[str, Any], layers: int, kinds: list[LayerKind]) -> list[Feed]:
    """Return which layers have experts: by a list, a period with an offset, a first layer, or a step."""
    if not has_experts(text):
        return [Feed.DENSE] * layers
    sparse_at = listed(text, "is_moe_layer", layers)  # EXAONE's own files
    if sparse_at is not None:
        return [Feed.EXPERTS if each else Feed.DENSE for each in sparse_at]
    words = listed(text, "mlp_layer_types", layers)
    if words is not None:
        return [Feed.EXPERTS if word in ("sparse", "moe") else Feed.DENSE for word in words]
    marks = listed(text, "moe_layer_freq", layers)
    if marks is not None:
        return [Feed.EXPERTS if mark else Feed.DENSE for mark in marks]
    named = text.get("moe_layers_enum")
    if isinstance(named, str) and named.replace(",", "").strip().isdecimal():
        chosen = {int(each) for each in named.split(",") if each.strip().isdecimal()}
        return [Feed.EXPERTS if at in chosen else Feed.DENSE for at in range(layers)]
    if isinstance(text.get("moe_layers"), list):
        only = whole_numbers(text, "moe_layers")
        return [Feed.EXPERTS if at in only else Feed.DENSE for at in range(layers)]
    del kinds
    dense = whole_numbers(text, "mlp_only_layers")
    first = first_count(text, "first_k_dense_replace", "moe_layer_start_index", "num_dense_layers")
    period, offset = count(text, "expert_layer_period", 0), count(text, "expert_layer_offset", 0)
    # `moe_layer_freq` counts from 0 as DeepSeek does, the steps of Qwen and Llama 4 from 1.
    step = first_count(text, "interleave_moe_layer_step", "decoder_sparse_step", "moe_layer_interval") or 1
    frequency = text.get("moe_layer_freq")
    every = frequency if isinstance(frequency, int) and frequency > 1 else 1
    feeds = []
    for at in range(layers):
        sparse = at >= first and at not in dense and at % every == 0 and (at + 1) % step == 0
        if period:
            sparse = at % period == offset
        feeds.append(Feed.EXPERTS if sparse else Feed.DENSE)
    return feeds


def has_experts(text: Mapping[str, Any]) -> bool:
    """Tell whether a config is of a mixture of experts."""
    return first_count(text, "num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts") > 1
