"""Reading a model's shape from its `config.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from modelyard.catalog.shapes import (
    Experts,
    LatentAttention,
    LayerGroup,
    LayerKind,
    ModelShape,
    Quantization,
    QuantizedPart,
)
from modelyard.findings import UserError

LIMITS = {
    "num_hidden_layers": 1_000,
    "hidden_size": 1_000_000,
    "num_attention_heads": 4_096,
    "num_key_value_heads": 4_096,
    "head_dim": 8_192,
    "vocab_size": 10_000_000,
    "intermediate_size": 10_000_000,
    "max_position_embeddings": 1_000_000_000,
    "num_experts": 65_536,
}
"""Upper ends of what is taken for a real model; a config beyond them is refused as damaged."""

LAYER_TYPES = {
    "full_attention": LayerKind.FULL,
    "attention": LayerKind.FULL,
    "sliding_attention": LayerKind.SLIDING,
    "chunked_attention": LayerKind.CHUNKED,
    "linear_attention": LayerKind.RECURRENT,
    "mamba": LayerKind.RECURRENT,
    "conv": LayerKind.RECURRENT,
}

ENCODERS = ("bert", "roberta", "xlm-roberta")
"""Model types without a decoder: vLLM runs them with attention over the whole text and no cache."""

TIED_BY_DEFAULT = ("gemma", "qwen2_vl", "cohere", "command")
"""Model types whose config class ties the embeddings when `config.json` does not say."""


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
    text = config.get("text_config") or config.get("llm_config") or config.get("language_config") or config
    if not isinstance(text, Mapping):
        raise UserError("text_config is no mapping", fix="give the config.json as the model's repository has it")
    layers = _count(text, "num_hidden_layers")
    heads = _count(text, "num_attention_heads")
    hidden = _count(text, "hidden_size")
    head_dim = _count(text, "head_dim", default=max(1, hidden // heads))
    unmodelled: list[str] = []
    groups = _groups(text, layers, unmodelled)
    experts = _experts(text, layers)
    towers = [key for key in ("vision_config", "audio_config", "vision_encoder") if config.get(key)]
    unmodelled += [f"{key.removesuffix('_config')} tower" for key in towers]
    listed = config.get("architectures")
    architectures = listed if isinstance(listed, list) and listed else [config.get("model_type") or ""]
    model_type = str(text.get("model_type") or config.get("model_type") or "").lower()
    tied = text.get("tie_word_embeddings", config.get("tie_word_embeddings"))
    if tied is None:
        tied = model_type.startswith(TIED_BY_DEFAULT)
    positions, learned = _count(text, "max_position_embeddings", default=0), 0
    if model_type in ENCODERS:
        groups, tied = (LayerGroup(LayerKind.ENCODER, layers),), True  # an embedding model has no output layer
        learned = positions
        if model_type != "bert" and positions:
            # RoBERTa counts positions from the one after the padding's; vLLM adds as many (`RobertaEmbedding`).
            positions -= _count(text, "pad_token_id", default=1) + 1
    return ModelShape(
        architecture=str(architectures[0]),
        layers=layers,
        hidden_size=hidden,
        attention_heads=heads,
        key_value_heads=_count(text, "num_key_value_heads", default=heads),
        head_dim=head_dim,
        vocabulary=_count(text, "vocab_size"),
        max_positions=positions or None,
        intermediate_size=_count(text, "intermediate_size", default=0) or None,
        gated_mlp=model_type
        not in (*ENCODERS, "gpt2", "opt", "bloom", "gpt_neox", "falcon", "starcoder2", "phi", "gpt_bigcode"),
        tied_embeddings=bool(tied),
        dtype=_dtype(text, config),
        groups=groups,
        experts=experts,
        latent_attention=_latent_attention(text),
        quantization=_quantization(text.get("quantization_config") or config.get("quantization_config"), unmodelled),
        encoder_parameters=None if towers else 0,
        learned_positions=learned,
        unmodelled=tuple(unmodelled),
    )


def _whisper(config: Mapping[str, Any]) -> ModelShape:
    """Return the shape of a speech model: a decoder whose layers attend to an audio encoder as well."""
    hidden, heads = _count(config, "d_model"), _count(config, "decoder_attention_heads")
    positions, width = _count(config, "max_source_positions"), _count(config, "encoder_ffn_dim")
    # Two convolutions of three steps, positions, and layers of four square matrices and two of the MLP.
    encoder = 3 * hidden * (_count(config, "num_mel_bins") + hidden) + positions * hidden
    encoder += _count(config, "encoder_layers") * hidden * (4 * hidden + 2 * width)
    return ModelShape(
        architecture="WhisperForConditionalGeneration",
        layers=_count(config, "decoder_layers"),
        hidden_size=hidden,
        attention_heads=heads,
        key_value_heads=heads,
        head_dim=max(1, hidden // heads),
        vocabulary=_count(config, "vocab_size"),
        max_positions=_count(config, "max_target_positions"),
        intermediate_size=_count(config, "decoder_ffn_dim"),
        gated_mlp=False,
        tied_embeddings=True,
        dtype=_dtype(config, config),
        encoder_parameters=encoder,
        encoder_positions=positions,
        learned_positions=_count(config, "max_target_positions"),
    )


def _count(config: Mapping[str, Any], key: str, default: int | None = None) -> int:
    value = config.get(key)
    if value is None:
        if default is None:
            raise UserError(f"config.json has no {key}", fix="give the config.json of a transformer model")
        return default
    lowest = 0 if default == 0 else 1
    highest = LIMITS.get(key, 1_000_000_000)
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise UserError(
            f"config.json has {key}: {value!r}, expected a whole number from {lowest} to {highest}",
            fix="take the config.json from the model's repository again",
        )
    return value


def _dtype(text: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    for source in (text, config):
        found = source.get("torch_dtype") or source.get("dtype")
        if isinstance(found, str):
            return found.removeprefix("torch.")
    return "float32"  # what transformers takes when a config does not say


def _groups(text: Mapping[str, Any], layers: int, unmodelled: list[str]) -> tuple[LayerGroup, ...]:
    window = text.get("sliding_window") if text.get("use_sliding_window", True) else None
    chunk = text.get("attention_chunk_size")
    kinds: list[LayerKind]
    listed = text.get("layer_types")
    if isinstance(listed, list) and len(listed) == layers:
        unknown = sorted({str(kind) for kind in listed} - LAYER_TYPES.keys())
        if unknown:
            unmodelled.append(f"layer types {', '.join(unknown)}")
        kinds = [LAYER_TYPES.get(kind, LayerKind.FULL) for kind in listed]
    elif isinstance(pattern := text.get("hybrid_override_pattern"), str):
        marks = {"M": LayerKind.RECURRENT, "*": LayerKind.FULL}
        kinds = [marks[mark] for mark in pattern if mark in marks]
        unmodelled.append("layers without attention")
    elif period := text.get("attn_layer_period"):
        offset = text.get("attn_layer_offset", 0)
        kinds = [LayerKind.FULL if at % period == offset else LayerKind.RECURRENT for at in range(layers)]
    elif chunk:
        bare = text.get("no_rope_layers")
        every = text.get("no_rope_layer_interval", 4)
        if not (isinstance(bare, list) and len(bare) == layers):
            bare = [int((at + 1) % every != 0) for at in range(layers)]
        kinds = [LayerKind.CHUNKED if uses_rope else LayerKind.FULL for uses_rope in bare]
    elif window and (every := text.get("sliding_window_pattern")):
        kinds = [LayerKind.SLIDING if (at + 1) % every else LayerKind.FULL for at in range(layers)]
    elif window and str(text.get("model_type", "")).startswith("gemma2"):
        kinds = [LayerKind.FULL if at % 2 else LayerKind.SLIDING for at in range(layers)]
    elif window and window < text.get("max_position_embeddings", window + 1):
        kinds = [LayerKind.SLIDING] * layers
    else:
        return ()
    if LayerKind.RECURRENT in kinds:
        unmodelled.append("weights and state of recurrent layers")
    windows = {LayerKind.SLIDING: window, LayerKind.CHUNKED: chunk}
    if any(kind in kinds and not windows[kind] for kind in windows):
        unmodelled.append("window of sliding or chunked layers")
    counted = Counter(kinds)
    return tuple(
        LayerGroup(kind if kind not in windows or windows[kind] else LayerKind.FULL, counted[kind], windows.get(kind))
        for kind in LayerKind
        if counted[kind]
    )


def _experts(text: Mapping[str, Any], layers: int) -> Experts | None:
    count = 0
    for key in ("num_experts", "num_local_experts", "n_routed_experts"):
        count = count or _count(text, key, default=0)
    if count <= 1:
        return None
    width = _count(text, "moe_intermediate_size", default=0) or _count(text, "intermediate_size")
    dense_first = _count(text, "first_k_dense_replace", default=0)
    step = max(
        1,
        _count(text, "interleave_moe_layer_step", default=0)
        or _count(text, "decoder_sparse_step", default=0)
        or _count(text, "moe_layer_freq", default=0),
    )
    shared = _count(text, "shared_expert_intermediate_size", default=0)
    if not shared:
        shared = _count(text, "n_shared_experts", default=0) * width
    if "intermediate_size_mlp" in text:  # Llama 4 has one shared expert of the experts' width
        shared = width
    return Experts(
        count=count,
        per_token=_count(text, "num_experts_per_tok", default=0) or _count(text, "moe_topk", default=1),
        intermediate_size=width,
        layers=(layers - dense_first) // step,
        shared_intermediate_size=shared,
        dense_intermediate_size=_count(text, "intermediate_size_mlp", default=0)
        or _count(text, "intermediate_size", default=0),
    )


def _latent_attention(text: Mapping[str, Any]) -> LatentAttention | None:
    if not text.get("kv_lora_rank"):
        return None
    return LatentAttention(
        kv_lora_rank=_count(text, "kv_lora_rank"),
        qk_rope_head_dim=_count(text, "qk_rope_head_dim"),
        qk_nope_head_dim=_count(text, "qk_nope_head_dim"),
        v_head_dim=_count(text, "v_head_dim"),
        q_lora_rank=_count(text, "q_lora_rank", default=0) or None,
    )


def _quantization(stored: Any, unmodelled: list[str]) -> Quantization | None:
    if not isinstance(stored, Mapping):
        return None
    method = str(stored.get("quant_method") or stored.get("quant_algo") or "").lower()
    if method == "modelopt":
        method = "nvfp4" if "FP4" in str(stored.get("quant_algo", "")).upper() else "modelopt-fp8"
    if method == "compressed-tensors":
        group: Mapping[str, Any] = next(iter(stored.get("config_groups", {}).values()), {})
        weights = group.get("weights") or {}
        bits, kind = int(weights.get("num_bits", 8)), str(weights.get("type", "int"))
        size = weights.get("group_size") or 0
        method = "nvfp4" if kind == "float" and bits == 4 else method
        scales = 8 if method == "nvfp4" else 16
        return Quantization(method, bits + (scales / size if size and size > 0 else 0))
    if method in ("awq", "gptq", "awq_marlin", "gptq_marlin"):
        bits, size = int(stored.get("bits", 4)), int(stored.get("group_size", 128))
        return Quantization(method, bits + (16 + bits) / size if size > 0 else bits)
    if method == "fp8":
        block = stored.get("weight_block_size")
        edge = int(block[0]) if isinstance(block, list) and block else None
        return Quantization("fp8", 8 + (32 / edge**2 if edge else 0), block=edge)
    if method == "mxfp4":
        return Quantization("mxfp4", 4.25, QuantizedPart.EXPERTS)
    if method == "nvfp4":
        return Quantization("nvfp4", 4.5)
    if method in ("modelopt-fp8", "fbgemm_fp8"):
        return Quantization(method, 8)
    unmodelled.append(f"quantisation {method or 'without a method'}")
    return None
