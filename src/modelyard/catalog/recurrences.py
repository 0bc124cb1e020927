"""Mixers of recurrent layers: their weights, and the state that they keep of a request.

Sizes as vLLM 0.33.0 has them: `MambaStateShapeCalculator` in `vllm/model_executor/layers/mamba/mamba_utils.py`, and the
projections of `mamba_mixer.py`, `mamba_mixer2.py`, `short_conv.py`, `gdn_linear_attn.py`, `kda.py` and
`linear_attn.py` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.catalog.config_fields import count, first_count
from modelyard.catalog.weight_parts import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """The state of a recurrent layer.

    Attributes:
        kind: Such as `mamba2` or `gated-delta-net`.
        convolution: Channels of the convolution, shared by the ranks.
        kernel: Steps of the convolution, of which all but one are kept.
        state: Values of the state beside it, shared by the ranks.
        groups: Groups of Mamba 2 whose channels are repeated when the ranks do not divide them; 0 elsewhere.
        group_channels: Channels of one group in the convolution.
        state_dtype: Type of the state, `auto` for the model's.
        chunk: Tokens that its kernel takes at a time, of which blocks are a multiple with prefix caching; 0 where none
            is said.
    """

    kind: str
    convolution: int = 0
    kernel: int = 1
    state: int = 0
    groups: int = 0
    group_channels: int = 0
    state_dtype: str = "auto"
    chunk: int = 0


@dataclass(frozen=True, slots=True)
class Projection:
    """A matrix of a mixer: the name of its module, its parameters and how ranks share it."""

    name: str
    values: int
    split: Split = Split.RANKS


def recurrence(text: Mapping[str, Any], unmodelled: list[str]) -> tuple[Recurrence, tuple[Projection, ...]] | None:
    """Return the mixer of a model's recurrent layers with its matrices; None where its config is of none that is known.

    What is not known is added to `unmodelled`.
    """
    if text.get("linear_num_value_heads"):
        return _gated_delta_net(text)
    if isinstance(text.get("linear_attn_config"), Mapping):
        return _kimi_delta(text, text["linear_attn_config"])
    if first_count(text, "mamba_num_heads", "mamba_n_heads"):
        return _mamba2(text)
    if text.get("mamba_d_state") and text.get("mamba_dt_rank"):
        return _mamba1(text)
    if text.get("conv_L_cache"):
        return _short_convolution(text)
    if isinstance(text.get("attn_type_list"), list):
        return _lightning(text)
    unmodelled.append("weights and state of recurrent layers")
    return None


def _gated_delta_net(text: Mapping[str, Any]) -> tuple[Recurrence, tuple[Projection, ...]]:
    hidden = count(text, "hidden_size")
    keys = count(text, "linear_num_key_heads") * count(text, "linear_key_head_dim")
    heads = count(text, "linear_num_value_heads")
    values = heads * count(text, "linear_value_head_dim")
    kernel = count(text, "linear_conv_kernel_dim", 4)
    state = Recurrence(
        kind="gated-delta-net",
        convolution=2 * keys + values,
        kernel=kernel,
        state=values * count(text, "linear_key_head_dim"),
        state_dtype=str(text.get("mamba_ssm_dtype") or "auto"),
        chunk=64,
    )
    return state, (
        Projection("linear_attn.in_proj_qkv", hidden * (2 * keys + values)),
        Projection("linear_attn.in_proj_z", hidden * values),
        Projection("linear_attn.in_proj_b", hidden * heads),
        Projection("linear_attn.in_proj_a", hidden * heads),
        Projection("linear_attn.out_proj", hidden * values),
        Projection("linear_attn.conv1d", (2 * keys + values) * kernel),
    )


def _kimi_delta(text: Mapping[str, Any], linear: Mapping[str, Any]) -> tuple[Recurrence, tuple[Projection, ...]]:
    hidden, heads, width = count(text, "hidden_size"), count(linear, "num_heads"), count(linear, "head_dim")
    kernel, inner = count(linear, "short_conv_kernel_size", 4), heads * width
    state = Recurrence(
        kind="kimi-delta-attention",
        convolution=3 * inner,
        kernel=kernel,
        state=inner * width,
        state_dtype="float32",
        chunk=64,
    )
    gate = (
        (Projection("self_attn.g_proj", hidden * inner),)
        if linear.get("use_full_rank_gate")
        else (
            Projection("self_attn.g_a_proj", hidden * width, Split.WHOLE),
            Projection("self_attn.g_b_proj", width * inner),
        )
    )
    return state, (
        *(Projection(f"self_attn.{each}_proj", hidden * inner) for each in "qkv"),
        Projection("self_attn.o_proj", hidden * inner),
        Projection("self_attn.f_a_proj", hidden * width, Split.WHOLE),
        Projection("self_attn.f_b_proj", width * inner),
        *gate,
        Projection("self_attn.b_proj", hidden * heads),
        Projection("self_attn.conv1d", 3 * inner * kernel),
    )


def _mamba2(text: Mapping[str, Any]) -> tuple[Recurrence, tuple[Projection, ...]]:
    hidden = count(text, "hidden_size")
    heads = first_count(text, "mamba_num_heads", "mamba_n_heads")
    width = first_count(text, "mamba_head_dim", "mamba_d_head") or hidden * count(text, "mamba_expand", 2) // heads
    groups = first_count(text, "mamba_num_groups", "mamba_n_groups", "n_groups") or 1
    size = first_count(text, "ssm_state_size", "mamba_state_dim", "mamba_d_state") or 128
    kernel = first_count(text, "conv_kernel", "mamba_d_conv") or 4
    inner, channels = heads * width, heads * width + 2 * groups * size
    nemotron = text.get("model_type") == "nemotron_h"
    state = Recurrence(
        kind="mamba2",
        convolution=channels,
        kernel=kernel,
        state=inner * size,
        groups=groups,
        group_channels=2 * size,
        # Nemotron-H keeps its state in 32 bits unless it says otherwise (`NemotronHForCausalLMConfig`).
        state_dtype=str(text.get("mamba_ssm_cache_dtype") or ("float32" if nemotron else "auto")),
        chunk=first_count(text, "chunk_size", "mamba_chunk_size"),
    )
    owner = "mixer" if nemotron else "mamba"
    return state, (
        Projection(f"{owner}.in_proj", hidden * (inner + channels + heads)),
        Projection(f"{owner}.out_proj", hidden * inner),
        Projection(f"{owner}.conv1d", channels * kernel),
    )


def _mamba1(text: Mapping[str, Any]) -> tuple[Recurrence, tuple[Projection, ...]]:
    hidden, size = count(text, "hidden_size"), count(text, "mamba_d_state")
    inner, kernel = hidden * count(text, "mamba_expand", 2), count(text, "mamba_d_conv", 4)
    rank = text.get("mamba_dt_rank")
    rank = rank if isinstance(rank, int) and not isinstance(rank, bool) else -(-hidden // 16)
    state = Recurrence(kind="mamba1", convolution=inner, kernel=kernel, state=inner * size)
    return state, (
        Projection("mamba.in_proj", hidden * 2 * inner),
        Projection("mamba.x_proj", inner * (rank + 2 * size)),
        Projection("mamba.dt_proj", rank * inner),
        Projection("mamba.out_proj", inner * hidden),
        Projection("mamba.conv1d", inner * (kernel + size)),
    )


def _short_convolution(text: Mapping[str, Any]) -> tuple[Recurrence, tuple[Projection, ...]]:
    hidden, kernel = count(text, "hidden_size"), count(text, "conv_L_cache")
    inner = count(text, "conv_dim", hidden)
    return Recurrence(kind="short-convolution", convolution=inner, kernel=kernel), (
        Projection("conv.in_proj", hidden * 3 * inner),
        Projection("conv.out_proj", inner * hidden),
        Projection("conv.conv", inner * kernel),
    )


def _lightning(text: Mapping[str, Any]) -> tuple[Recurrence, tuple[Projection, ...]]:
    hidden, heads = count(text, "hidden_size"), count(text, "num_attention_heads")
    width = count(text, "head_dim", max(1, hidden // heads))
    inner = heads * width
    state = Recurrence(kind="lightning-attention", state=heads * width * width, state_dtype="float32")
    return state, (
        Projection("self_attn.qkv_proj", hidden * 3 * inner),
        Projection("self_attn.output_gate", hidden * inner),
        Projection("self_attn.out_proj", hidden * inner),
    )
