"""The weight matrices of a model, layer by layer, as its `config.json` says and as its checkpoint names them.

Norms, biases and other vectors are left out: less than 0.1 % of any model that was looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.catalog.config_fields import count, first_count
from modelyard.catalog.layer_plans import Feed, LayerPlan
from modelyard.catalog.recurrences import Projection
from modelyard.catalog.shapes import LatentAttention, LayerKind
from modelyard.catalog.weight_parts import Matrix, Split, WeightPart

UNGATED = (
    "apertus",
    "gpt2",
    "gptj",
    "mpt",
    "opt",
    "persimmon",
    "refinedweb",
    "refinedwebmodel",
    "bloom",
    "gpt_neox",
    "falcon",
    "starcoder2",
    "phi",
    "gpt_bigcode",
    "nemotron",
    "nemotron_h",
    "bert",
    "roberta",
    "xlm-roberta",
)
"""Model types whose MLP has two matrices rather than three."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertSizes:
    """The experts of a layer.

    Attributes:
        count: Routed experts.
        per_token: Routed experts that a token takes.
        width: Width of one.
        hidden: Width that they work on where it is not the model's (latent experts).
        shared: Width of the shared ones together.
        dense: Width of the MLP of layers without experts.
    """

    count: int
    per_token: int
    width: int
    hidden: int
    shared: int
    dense: int


def gated_mlp(text: Mapping[str, Any]) -> bool:
    """Tell whether an MLP has a gate: by the activation where it says, else by the model's type."""
    activation = str(text.get("mlp_hidden_act") or text.get("hidden_act") or "")
    return activation != "relu2" and str(text.get("model_type") or "").lower() not in UNGATED


def expert_sizes(text: Mapping[str, Any]) -> ExpertSizes:
    """Return the sizes of a mixture of experts."""
    number = first_count(text, "num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
    width = first_count(text, "moe_intermediate_size", "expert_intermediate_size", "expert_dim")
    width = width or count(text, "intermediate_size")
    shared = first_count(
        text,
        "shared_expert_intermediate_size",
        "moe_shared_expert_intermediate_size",
        "shared_intermediate_size",
        "share_expert_dim",
    )
    shared = shared or first_count(text, "n_shared_experts", "num_shared_experts", "moe_num_shared_experts") * width
    if "intermediate_size_mlp" in text:  # Llama 4 has one shared expert of the experts' width
        shared = width
    return ExpertSizes(
        count=number,
        per_token=first_count(
            text,
            "num_experts_per_tok",
            "num_experts_per_token",
            "moe_topk",
            "moe_top_k",
            "top_k_experts",
            "moe_k",
            "experts_per_token",
        )
        or 1,
        width=width,
        hidden=first_count(text, "moe_latent_size", "routed_expert_hidden_size") or count(text, "hidden_size"),
        shared=shared,
        dense=first_count(text, "intermediate_size_mlp", "dense_intermediate_size", "intermediate_size"),
    )


def model_matrices(
    text: Mapping[str, Any],
    plans: tuple[LayerPlan, ...],
    latent: LatentAttention | None,
    mixer: tuple[Projection, ...],
    experts: ExpertSizes | None,
    *,
    tied: bool,
) -> Iterator[Matrix]:
    """Yield the matrices of a decoder; those of all experts of a layer as one.

    Args:
        text: The language part of the config.
        plans: Its layers.
        latent: Multi-head latent attention, if it has any.
        mixer: Matrices of its recurrent layers.
        experts: Its experts, if any.
        tied: Whether the output layer is the embedding.
    """
    hidden, vocabulary = count(text, "hidden_size"), count(text, "vocab_size")
    narrow = count(text, "word_embed_proj_dim", hidden)
    yield Matrix("embed_tokens", WeightPart.EMBEDDINGS, vocabulary * narrow)
    if narrow != hidden:
        yield Matrix("project_in", WeightPart.MLP, 2 * narrow * hidden, Split.WHOLE)
    if not tied:
        yield Matrix("lm_head", WeightPart.HEAD, vocabulary * hidden)
    if per_layer := count(text, "hidden_size_per_layer_input", 0):
        rows = count(text, "vocab_size_per_layer_input", vocabulary)
        yield Matrix("embed_tokens_per_layer", WeightPart.EMBEDDINGS, rows * per_layer * len(plans))
        yield Matrix("per_layer_model_projection", WeightPart.MLP, hidden * per_layer * len(plans), Split.WHOLE)
    for at, plan in enumerate(plans):
        yield from _layer(text, at, plan, latent, mixer, experts)
        if per_layer:
            yield Matrix(f"layers.{at}.per_layer_gate", WeightPart.MLP, 2 * hidden * per_layer, Split.WHOLE, at)


def _layer(
    text: Mapping[str, Any],
    at: int,
    plan: LayerPlan,
    latent: LatentAttention | None,
    mixer: tuple[Projection, ...],
    experts: ExpertSizes | None,
) -> Iterator[Matrix]:
    hidden, start = count(text, "hidden_size"), f"layers.{at}."
    only = text.get("model_type") == "nemotron_h"
    if plan.kind is LayerKind.RECURRENT:
        for projection in mixer:
            yield Matrix(start + projection.name, WeightPart.RECURRENT, projection.values, projection.split, at)
    elif plan.kind is not None:
        owner = start + ("mixer." if only else "self_attn.")
        if compresses(text):
            yield from _compressed(text, at, owner)
        else:
            yield from _latent(text, at, owner, latent) if latent is not None else _heads(text, at, owner, plan)
    elif plan.linear:
        yield Matrix(f"{start}self_attn.linear_attn", WeightPart.ATTENTION, hidden * hidden, Split.RANKS, at)
    owner = start + ("mixer." if only else "mlp.")
    # Gemma 4's experts stand beside a dense MLP rather than in its place.
    beside = bool(text.get("enable_moe_block"))
    if plan.feed is Feed.DENSE or (plan.feed is Feed.EXPERTS and beside):
        width = plan.width or (experts.dense if experts is not None else count(text, "intermediate_size"))
        if text.get("use_double_wide_mlp") and not plan.keeps:
            width *= 2
        yield from _mlp(text, at, owner, WeightPart.MLP, hidden * width)
    if plan.feed is Feed.EXPERTS and experts is not None:
        values, routed = experts.count * experts.hidden * experts.width, start if beside else owner
        yield from _mlp(text, at, f"{routed}experts.0.", WeightPart.EXPERTS, values)
        yield Matrix(f"{owner}gate", WeightPart.ROUTER, hidden * experts.count, Split.WHOLE, at)
        if experts.hidden != hidden:
            for name in ("fc1_latent_proj", "fc2_latent_proj"):
                yield Matrix(owner + name, WeightPart.MLP, hidden * experts.hidden, Split.WHOLE, at)
        if experts.shared:
            plural = text.get("n_shared_experts") or text.get("num_shared_experts")
            name = f"{owner}shared_expert{'s' if plural else ''}."
            yield from _mlp(text, at, name, WeightPart.SHARED_EXPERTS, hidden * experts.shared)


def _mlp(text: Mapping[str, Any], at: int, owner: str, part: WeightPart, values: int) -> Iterator[Matrix]:
    for name in ("gate_proj", "up_proj", "down_proj") if gated_mlp(text) else ("up_proj", "down_proj"):
        yield Matrix(owner + name, part, values, Split.RANKS, at)


def _heads(text: Mapping[str, Any], at: int, owner: str, plan: LayerPlan) -> Iterator[Matrix]:
    hidden, part = count(text, "hidden_size"), WeightPart.ATTENTION
    query = plan.heads * plan.head_dim
    if text.get("attn_output_gate") or str(text.get("model_type") or "").startswith("qwen3_next"):
        query *= 2  # a gate of the output beside each query
    yield Matrix(f"{owner}q_proj", part, hidden * query, Split.RANKS, at)
    yield Matrix(f"{owner}k_proj", part, hidden * plan.key_value_heads * plan.head_dim, Split.HEADS, at)
    yield Matrix(f"{owner}v_proj", part, hidden * plan.key_value_heads * plan.value_dim, Split.HEADS, at)
    yield Matrix(f"{owner}o_proj", part, plan.heads * plan.value_dim * hidden, Split.RANKS, at)
    sparse = text.get("sparse_attention_config")
    if isinstance(sparse, Mapping) and at in index_layers(text):
        width = count(sparse, "sparse_index_dim")
        yield Matrix(f"{owner}index_q_proj", part, hidden * plan.key_value_heads * width, Split.HEADS, at)
        yield Matrix(f"{owner}index_k_proj", part, hidden * width, Split.WHOLE, at)


def _latent(text: Mapping[str, Any], at: int, owner: str, latent: LatentAttention) -> Iterator[Matrix]:
    hidden, heads, part = count(text, "hidden_size"), count(text, "num_attention_heads"), WeightPart.ATTENTION
    width = heads * (latent.qk_nope_head_dim + latent.qk_rope_head_dim)
    if latent.q_lora_rank is None:
        yield Matrix(f"{owner}q_proj", part, hidden * width, Split.RANKS, at)
    else:
        yield Matrix(f"{owner}q_a_proj", part, hidden * latent.q_lora_rank, Split.WHOLE, at)
        yield Matrix(f"{owner}q_b_proj", part, latent.q_lora_rank * width, Split.RANKS, at)
    down = hidden * (latent.kv_lora_rank + latent.qk_rope_head_dim)
    yield Matrix(f"{owner}kv_a_proj_with_mqa", part, down, Split.WHOLE, at)
    up = latent.kv_lora_rank * heads * (latent.qk_nope_head_dim + latent.v_head_dim)
    yield Matrix(f"{owner}kv_b_proj", part, up, Split.RANKS, at)
    yield Matrix(f"{owner}o_proj", part, heads * latent.v_head_dim * hidden, Split.RANKS, at)
    if text.get("mla_use_output_gate"):
        yield Matrix(f"{owner}g_proj", part, hidden * heads * latent.v_head_dim, Split.RANKS, at)
    if text.get("index_head_dim"):
        index_heads, index_dim = count(text, "index_n_heads"), count(text, "index_head_dim")
        rank = latent.q_lora_rank or hidden
        yield Matrix(f"{owner}indexer.wq_b", part, rank * index_heads * index_dim, Split.WHOLE, at)
        yield Matrix(f"{owner}indexer.wk", part, hidden * index_dim, Split.WHOLE, at)
        yield Matrix(f"{owner}indexer.weights_proj", part, hidden * index_heads, Split.WHOLE, at)


def compresses(text: Mapping[str, Any]) -> bool:
    """Tell whether a model's attention keeps a vector of several tokens at a time (DeepSeek V4)."""
    return isinstance(text.get("compress_ratios"), list)


def _compressed(text: Mapping[str, Any], at: int, owner: str) -> Iterator[Matrix]:
    """Yield the matrices of an attention to compressed tokens (`vllm/models/deepseek_v4/attention.py`, 0.33.0)."""
    hidden, heads, width, part = (
        count(text, "hidden_size"),
        count(text, "num_attention_heads"),
        count(text, "head_dim"),
        WeightPart.ATTENTION,
    )
    rank, groups, out = count(text, "q_lora_rank"), count(text, "o_groups"), count(text, "o_lora_rank")
    yield Matrix(f"{owner}wq_a", part, hidden * rank, Split.WHOLE, at)
    yield Matrix(f"{owner}wkv", part, hidden * width, Split.WHOLE, at)
    yield Matrix(f"{owner}wq_b", part, rank * heads * width, Split.RANKS, at)
    yield Matrix(f"{owner}wo_a", part, heads * width * out, Split.RANKS, at)
    yield Matrix(f"{owner}wo_b", part, groups * out * hidden, Split.RANKS, at)
    ratios = text["compress_ratios"]
    ratio = ratios[at] if at < len(ratios) and isinstance(ratios[at], int) else 0
    if ratio > 1:
        # Blocks of four tokens overlap, and are chosen by an indexer with a compressor of its own.
        overlaps = 2 if ratio == 4 else 1
        yield Matrix(f"{owner}compressor", part, hidden * 2 * overlaps * width, Split.WHOLE, at)
        if ratio == 4 and text.get("index_head_dim"):
            index_heads, index_dim = count(text, "index_n_heads"), count(text, "index_head_dim")
            yield Matrix(f"{owner}indexer.wq_b", part, rank * index_heads * index_dim, Split.WHOLE, at)
            yield Matrix(f"{owner}indexer.weights_proj", part, hidden * index_heads, Split.WHOLE, at)
            yield Matrix(f"{owner}indexer.compressor", part, hidden * 4 * index_dim, Split.WHOLE, at)


def index_layers(text: Mapping[str, Any]) -> frozenset[int]:
    """Return the layers whose heads keep an indexer's key of each token beside their own (MiniMax M3)."""
    sparse = text.get("sparse_attention_config")
    marks = sparse.get("sparse_attention_freq") if isinstance(sparse, Mapping) else None
    return frozenset(at for at, mark in enumerate(marks) if mark == 1) if isinstance(marks, list) else frozenset()


def draft_matrices(text: Mapping[str, Any], layer: list[Matrix]) -> tuple[int, int]:
    """Return how many layers predict further tokens (MTP), and the parameters of one.

    Each is like the model's last layer, with a projection of two hidden states to one.

    Args:
        text: The language part of the config.
        layer: Matrices of the last layer.
    """
    layers = first_count(text, "num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_modules")
    if text.get("use_mtp") is False:
        return 0, 0
    return layers, sum(matrix.values for matrix in layer) + 2 * count(text, "hidden_size") ** 2
