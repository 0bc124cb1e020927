"""Reading a model's shape from its `config.json`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from modelyard.catalog.config_fields import count, first_count
from modelyard.catalog.encoders import vision_encoder
from modelyard.catalog.families import DEFAULTS, MODELLED, task_of
from modelyard.catalog.field_names import with_usual_names
from modelyard.catalog.layer_plans import ENCODERS, PLACED, Feed, LayerPlan, compressed_layers, layer_plans
from modelyard.catalog.model_matrices import (
    compresses,
    draft_matrices,
    expert_sizes,
    gated_mlp,
    index_layers,
    model_matrices,
)
from modelyard.catalog.module_names import unknown_among
from modelyard.catalog.quantization_schemes import Scheme, UnknownSchemeError, cache_type, mean_bits, scheme_of
from modelyard.catalog.recurrences import Projection, Recurrence, recurrence
from modelyard.catalog.rotary import rotary_values
from modelyard.catalog.shapes import (
    Experts,
    LatentAttention,
    LayerGroup,
    LayerKind,
    ModelShape,
    Quantization,
    QuantizedPart,
)
from modelyard.catalog.weight_parts import Matrix, PartWeights, Split, WeightPart
from modelyard.findings import UserError

TIED_BY_DEFAULT = ("gemma", "qwen2_vl", "cohere", "command", "opt", "gpt2", "gpt_bigcode", "bloom", "mpt", "minicpm")
"""Model types whose config class ties the embeddings when `config.json` does not say."""

TIED_TYPES = ("falcon", "refinedweb", "refinedwebmodel")
"""Others of which longer names do not."""

LEARNED = {"opt": 2, "gpt2": 0, "gpt_bigcode": 0}
"""Decoders with a table of learned positions, and its rows beside those of the positions."""

MOST_STRANGE = 0.1
"""Share of the modules that a quantisation lists which may be of parts that are not counted, such as drafts."""

DTYPE_BITS = {"float32": 32.0, "float": 32.0}


def shape_from_config(config: Mapping[str, Any]) -> ModelShape:
    """Return the shape that a Hugging Face `config.json` describes.

    Args:
        config: The parsed file; a multimodal model's `text_config` is read for the language part.

    Returns:
        The shape; what it does not tell is named in `unmodelled`.

    Raises:
        UserError: A field is missing, is no number, or is beyond what a real model has.
    """
    if config.get("model_type") == "whisper":
        return _whisper(config)
    text = _language_part(config)
    kind = str(text.get("model_type") or config.get("model_type") or "").lower()
    listed = config.get("architectures")
    architecture = str((listed if isinstance(listed, list) and listed else [config.get("model_type") or ""])[0])
    unmodelled = [] if architecture in MODELLED else [f"architecture {architecture or 'without a name'}"]
    layers, heads, hidden = (
        count(text, "num_hidden_layers"),
        count(text, "num_attention_heads"),
        count(text, "hidden_size"),
    )
    head_dim = count(text, "head_dim", max(1, hidden // heads))
    plans = layer_plans(text, unmodelled)
    mixer = recurrence(text, unmodelled) if any(plan.kind is LayerKind.RECURRENT for plan in plans) else None
    latent = _latent_attention(text)
    tied = text.get("tie_word_embeddings", config.get("tie_word_embeddings"))
    if tied is None:
        tied = kind.startswith(TIED_BY_DEFAULT) or kind in TIED_TYPES
    positions, learned = count(text, "max_position_embeddings", 0), 0
    groups = _groups(plans, count(text, "num_key_value_heads", heads), head_dim)
    if kind in LEARNED:
        learned = positions + LEARNED[kind]
    if kind in ENCODERS:
        groups = (LayerGroup(LayerKind.ENCODER, layers),)
    if kind in PLACED:
        learned = positions
        if kind != "bert" and positions:
            # RoBERTa counts positions from the one after the padding's; vLLM adds as many (`RobertaEmbedding`).
            positions -= count(text, "pad_token_id", 1) + 1
    if task_of(architecture) in ("embed", "classify"):
        tied = True  # an embedding model has no output layer
    tower, encoder = _encoder(config, hidden, unmodelled)
    stored = text.get("quantization_config") or config.get("quantization_config")
    scheme = _with_expert_type(_scheme(stored, unmodelled), text)
    dtype = _dtype(text, config)
    weights = _weights(
        text, plans, latent, mixer, scheme, bool(tied), learned, tower, DTYPE_BITS.get(dtype, 16.0), unmodelled
    )
    shape = ModelShape(
        architecture=architecture,
        layers=layers,
        hidden_size=hidden,
        attention_heads=heads,
        key_value_heads=max(1, count(text, "num_key_value_heads", _most_heads(plans) or heads)),
        head_dim=head_dim,
        vocabulary=count(text, "vocab_size"),
        max_positions=positions or None,
        intermediate_size=count(text, "intermediate_size", 0) or None,
        gated_mlp=gated_mlp(text),
        tied_embeddings=bool(tied),
        dtype=dtype,
        groups=groups,
        experts=_experts(text, plans),
        latent_attention=latent,
        quantization=_quantization(scheme),
        encoder_parameters=tower,
        learned_positions=learned,
        rotary_values=rotary_values(config, text, plans),
        weights=weights,
        recurrence=mixer[0] if mixer is not None else None,
        encoder=encoder,
        index_dim=_index_dim(text, latent),
        index_layers=len(index_layers(text)),
        compressed=compressed_layers(text),
        compressed_window=count(text, "sliding_window", 0) if compresses(text) else 0,
        kv_cache_dtype=cache_type(stored) if isinstance(stored, Mapping) else "",
        draft_layers=sum(each.layers for each in weights if each.part is WeightPart.DRAFT),
        unmodelled=tuple(dict.fromkeys(unmodelled)),
    )
    plainly = replace(shape, weights=())
    # What follows from the other fields is not said twice.
    return plainly if _amounts(plainly.part_weights) == _amounts(weights) else shape


def _amounts(weights: tuple[PartWeights, ...]) -> dict[tuple[WeightPart, Split, float | None], int]:
    found: dict[tuple[WeightPart, Split, float | None], int] = defaultdict(int)
    for each in weights:
        if each.parameters:
            found[each.part, each.split, each.bits] += each.parameters
    return found


def _language_part(config: Mapping[str, Any]) -> Mapping[str, Any]:
    text = config.get("text_config") or config.get("llm_config") or config.get("language_config") or config
    if not isinstance(text, Mapping):
        raise UserError("text_config is no mapping", fix="give the config.json as the model's repository has it")
    text = with_usual_names(text)
    defaults = DEFAULTS.get(str(text.get("model_type") or ""), {})
    told = {**defaults, **{key: value for key, value in text.items() if value is not None or key not in defaults}}
    # Newer libraries write the kinds of layers and leave their number to follow from them.
    for key in ("layers_block_type", "layer_types"):
        if "num_hidden_layers" not in told and isinstance(told.get(key), list):
            told["num_hidden_layers"] = len(told[key])
    return told


def _most_heads(plans: tuple[LayerPlan, ...]) -> int:
    return max((plan.key_value_heads for plan in plans), default=0)


def _groups(plans: tuple[LayerPlan, ...], key_value_heads: int, head_dim: int) -> tuple[LayerGroup, ...]:
    """Return the layers by what they keep; empty when all are full ones of the model's own heads."""
    counted: Counter[tuple[LayerKind, int | None, int | None, int | None, int | None]] = Counter()
    for plan in plans:
        if plan.kind is None or not plan.keeps:
            continue
        own = plan.kind is not LayerKind.RECURRENT
        counted[
            plan.kind,
            plan.window,
            plan.key_value_heads if own and plan.key_value_heads != key_value_heads else None,
            plan.head_dim if own and plan.head_dim != head_dim else None,
            plan.value_dim if own and plan.value_dim != plan.head_dim else None,
        ] += 1
    if list(counted) == [(LayerKind.FULL, None, None, None, None)] and sum(counted.values()) == len(plans):
        return ()
    order = list(LayerKind)
    return tuple(
        LayerGroup(kind, layers, window, heads, width, value)
        for (kind, window, heads, width, value), layers in sorted(
            counted.items(), key=lambda each: (order.index(each[0][0]), str(each[0][1:]))
        )
    )


def _experts(text: Mapping[str, Any], plans: tuple[LayerPlan, ...]) -> Experts | None:
    layers = sum(plan.feed is Feed.EXPERTS for plan in plans)
    if not layers:
        return None
    sizes = expert_sizes(text)
    return Experts(
        count=sizes.count,
        per_token=sizes.per_token,
        intermediate_size=sizes.width,
        layers=layers,
        shared_intermediate_size=sizes.shared,
        dense_intermediate_size=sizes.dense,
    )


def _weights(
    text: Mapping[str, Any],
    plans: tuple[LayerPlan, ...],
    latent: LatentAttention | None,
    mixer: tuple[Recurrence, tuple[Projection, ...]] | None,
    scheme: Scheme | None,
    tied: bool,
    learned: int,
    tower: int | None,
    plain: float,
    unmodelled: list[str],
) -> tuple[PartWeights, ...]:
    """Return the weights by part; like matrices that are stored in different ways have their mean."""
    experts = expert_sizes(text) if any(plan.feed is Feed.EXPERTS for plan in plans) else None
    matrices = list(model_matrices(text, plans, latent, mixer[1] if mixer is not None else (), experts, tied=tied))
    if scheme is not None and scheme.listed:
        strange = unknown_among(scheme.listed, matrices)
        if len(strange) > MOST_STRANGE * len(scheme.listed):
            unmodelled.append(f"quantisation of modules that are not known, such as {strange[0]}")
    by_part: dict[tuple[WeightPart, Split], list[Matrix]] = defaultdict(list)
    for matrix in matrices:
        if matrix.values:
            by_part[matrix.part, matrix.split].append(matrix)
    weights = []
    for (part, split), own in by_part.items():
        bits = mean_bits(((matrix, scheme.bits_of(matrix)) for matrix in own), plain) if scheme is not None else None
        layers = len({matrix.layer for matrix in own if matrix.layer >= 0})
        weights.append(PartWeights(part, sum(matrix.values for matrix in own), split, bits, layers))
    if latent is not None and scheme is not None:
        # What compresses keys and values is kept in 16 bits as well where it is stored in fewer
        # (`process_weights_after_loading` of `mla_attention.py` multiplies by it).
        up = [matrix for matrix in matrices if matrix.name.endswith("kv_b_proj") and scheme.bits_of(matrix) is not None]
        if up:
            weights.append(
                PartWeights(WeightPart.ATTENTION, sum(m.values for m in up), Split.RANKS, plain, len(up), copy=True)
            )
    if learned:
        weights.append(PartWeights(WeightPart.EMBEDDINGS, learned * count(text, "hidden_size"), Split.WHOLE))
    if tower:
        weights.append(PartWeights(WeightPart.ENCODER, tower))
    last = [matrix for matrix in matrices if matrix.layer == len(plans) - 1]
    layers, values = draft_matrices(text, last)
    if layers:
        weights.append(PartWeights(WeightPart.DRAFT, layers * values, Split.RANKS, None, layers))
    return tuple(weights)


def _encoder(config: Mapping[str, Any], hidden: int, unmodelled: list[str]) -> tuple[int | None, Any]:
    """Return the parameters of the towers and what their trial run takes; None for parameters that are not known."""
    towers = [key for key in ("vision_config", "audio_config", "vision_encoder", "sound_config") if config.get(key)]
    if not towers:
        return 0, None
    try:
        known = vision_encoder(config, hidden) if towers == ["vision_config"] else None
    except (UserError, ValueError, TypeError):
        known = None  # a tower of the family with fields that it does not have elsewhere
    if known is None:
        unmodelled += [f"{key.removesuffix('_config')} tower" for key in towers]
        return None, None
    return known[1], known[0]


def _scheme(stored: Any, unmodelled: list[str]) -> Scheme | None:
    if not isinstance(stored, Mapping) or not stored:
        return None
    try:
        return scheme_of(stored)
    except UnknownSchemeError as unknown:
        unmodelled.append(f"quantisation {unknown}")
        return None


def _quantization(scheme: Scheme | None) -> Quantization | None:
    if scheme is None:
        return None
    part = QuantizedPart.EXPERTS if scheme.method in ("mxfp4", "experts_int8") else QuantizedPart.LINEAR
    return Quantization(scheme.method, scheme.bits, part, scheme.block)


NAMED_SCHEME = re.compile(
    r"(?:^|[-_.])(nvfp4|mxfp4|fp8|fp4|int8|int4|awq|gptq|w4a16|w8a8|w8a16|bnb|4bit|8bit|gguf|exl2|autoround)(?=$|[-_.])",
    re.IGNORECASE,
)
"""Words of a model's name that say how its weights are stored."""


def named_scheme(model_id: str) -> str:
    """Return the word of a model's name that says how its weights are stored; empty where none does."""
    found = NAMED_SCHEME.search(model_id.rpartition("/")[2])
    return found[1] if found else ""


def _whisper(config: Mapping[str, Any]) -> ModelShape:
    """Return the shape of a speech model: a decoder whose layers attend to an audio encoder as well."""
    hidden, heads = count(config, "d_model"), count(config, "decoder_attention_heads")
    positions, width = count(config, "max_source_positions"), count(config, "encoder_ffn_dim")
    # Two convolutions of three steps, positions, and layers of four square matrices and two of the MLP.
    encoder = 3 * hidden * (count(config, "num_mel_bins") + hidden) + positions * hidden
    encoder += count(config, "encoder_layers") * hidden * (4 * hidden + 2 * width)
    return ModelShape(
        architecture="WhisperForConditionalGeneration",
        layers=count(config, "decoder_layers"),
        hidden_size=hidden,
        attention_heads=heads,
        key_value_heads=heads,
        head_dim=max(1, hidden // heads),
        vocabulary=count(config, "vocab_size"),
        max_positions=count(config, "max_target_positions"),
        intermediate_size=count(config, "decoder_ffn_dim"),
        gated_mlp=False,
        tied_embeddings=True,
        dtype=_dtype(config, config),
        encoder_parameters=encoder,
        encoder_positions=positions,
        learned_positions=count(config, "max_target_positions"),
    )


def _with_expert_type(scheme: Scheme | None, text: Mapping[str, Any]) -> Scheme | None:
    """Return a scheme whose experts are stored in four bits where the config says so apart from it (DeepSeek V4)."""
    if scheme is None or text.get("expert_dtype") != "fp4":
        return scheme
    others = scheme.bits_of

    def bits_of(matrix: Matrix) -> float | None:
        told = others(matrix)
        return 4.25 if matrix.part is WeightPart.EXPERTS and (told is None or told >= 8) else told

    return replace(scheme, bits_of=bits_of)


def _index_dim(text: Mapping[str, Any], latent: LatentAttention | None) -> int:
    sparse = text.get("sparse_attention_config")
    if latent is None and isinstance(sparse, Mapping):
        return count(sparse, "sparse_index_dim", 0)
    return count(text, "index_head_dim", 0) if latent is not None else 0


def _dtype(text: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    for source in (text, config):
        found = source.get("torch_dtype") or source.get("dtype")
        if isinstance(found, str):
            return found.removeprefix("torch.")
    return "float32"  # what transformers takes when a config does not say


def _latent_attention(text: Mapping[str, Any]) -> LatentAttention | None:
    if not text.get("kv_lora_rank"):
        return None
    return LatentAttention(
        kv_lora_rank=count(text, "kv_lora_rank"),
        qk_rope_head_dim=count(text, "qk_rope_head_dim"),
        qk_nope_head_dim=count(text, "qk_nope_head_dim"),
        v_head_dim=count(text, "v_head_dim"),
        q_lora_rank=first_count(text, "q_lora_rank") or None,
    )
