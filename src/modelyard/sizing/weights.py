"""Weights that one rank holds."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from modelyard.catalog import Device, ModelShape, Quantization, QuantizedPart
from modelyard.sizing.parallelism import stage_layers
from modelyard.sizing.settings import DTYPE_BYTES, EffectiveSettings

ONLINE_BITS = {
    "fp8": 8.0,
    "fp8_per_tensor": 8.0,
    "fp8_per_block": 8.0,
    "int8_per_channel_weight_only": 8.0,
    "bitsandbytes": 4.5,
    "experts_int8": 8.0,
}
"""Bits per weight where `--quantization` makes vLLM quantise 16-bit weights while it loads them."""

VOCABULARY_BLOCK = 64
"""The vocabulary is padded to a multiple of this (`vocab_parallel_embedding.py`)."""


@dataclass(frozen=True, slots=True)
class RankWeights:
    """Weights of one rank of a pipeline stage, in bytes.

    Attributes:
        attention: Attention layers.
        mlp: Dense and shared MLPs, and routers.
        experts: Routed experts.
        embeddings: Embedding and output layer.
        encoder: Vision or audio towers of known size.
    """

    attention: float
    mlp: float
    experts: float
    embeddings: float
    encoder: float

    @property
    def total(self) -> float:
        """All weights of the rank in bytes."""
        return self.attention + self.mlp + self.experts + self.embeddings + self.encoder


def effective_quantization(shape: ModelShape, settings: EffectiveSettings) -> Quantization | None:
    """Return how the weights lie in memory: as the model has them, or as the engine quantises them while it loads."""
    if shape.quantization is None and settings.quantization in ONLINE_BITS:
        part = QuantizedPart.EXPERTS if settings.quantization == "experts_int8" else QuantizedPart.LINEAR
        return Quantization(settings.quantization, ONLINE_BITS[settings.quantization], part)
    return shape.quantization


def mxfp4_padding(settings: EffectiveSettings, device: Device, width: int, hidden: int) -> float:
    """Return by how much padding lets MXFP4 experts grow, as a factor.

    vLLM rounds up for its kernels (`mxfp4_round_up_hidden_size_and_intermediate_size`): Triton on Hopper stores an
    expert's width in multiples of 256 (gpt-oss: 2880 as 3072, logged 64.38 GiB), Marlin on older devices and the
    FlashInfer kernels on newer ones its width in multiples of 128 and the hidden size in multiples of 256 (logged
    65.97 GiB).
    Before 0.10.1 Marlin did not pad (logged 12.88 GiB for gpt-oss-20b).
    """
    if device.compute_capability is not None and device.compute_capability[0] == 9:
        return _rounded(width, 256) / width
    if settings.version < (0, 10, 1):
        return 1.0
    return _rounded(width, 128) / width * _rounded(hidden, 256) / hidden


def rank_weights(shape: ModelShape, settings: EffectiveSettings, device: Device, stage: int = 0) -> RankWeights:
    """Return the weights of one rank of a pipeline stage.

    Tensor parallelism shares heads, MLPs, experts and the vocabulary; key-value heads are repeated when there are
    fewer than ranks, and the compressing projections of latent attention are on every rank. Experts are shared among
    tensor-parallel and data-parallel ranks alike, whole ones with expert parallelism. Norms and small biases are left
    out (below 0.1 %).
    """
    ranks, stages = settings.tensor_parallel_size, settings.pipeline_parallel_size
    layers = stage_layers(shape.layers, stages)[stage]
    share = layers / shape.layers
    plain = settings.dtype_bytes
    stored = effective_quantization(shape, settings)
    linear = stored.bits / 8 if stored is not None and stored.part is QuantizedPart.LINEAR else plain
    routed = stored.bits / 8 if stored is not None else plain

    recurrent = sum(group.layers for group in shape.layer_groups if group.kind == "recurrent")
    attended = (shape.layers - recurrent) * shape.attentions
    attention = _attention_per_rank(shape, ranks) * attended * share * linear
    sparse = _sparse_layers(shape, stage, stages, layers)
    mlp = (layers - sparse) * shape.mlp_matrices * shape.hidden_size * _dense_width(shape) / ranks * linear
    experts = 0.0
    if shape.experts is not None:
        moe = shape.experts
        mlp += sparse * shape.mlp_matrices * shape.hidden_size * moe.shared_intermediate_size / ranks * linear
        mlp += sparse * shape.hidden_size * moe.count * plain
        sharing = ranks * settings.data_parallel_size
        one = shape.mlp_matrices * shape.hidden_size * moe.intermediate_size
        if settings.expert_parallel:
            held, width = float(ceil(moe.count / sharing)), moe.intermediate_size
        else:
            held, width = moe.count / sharing, max(1, moe.intermediate_size // sharing)
        experts = sparse * held * one * routed
        if stored is not None and stored.method == "mxfp4":
            experts *= mxfp4_padding(settings, device, width, shape.hidden_size)
    tables = int(stage == 0) + int(stage == stages - 1)
    if shape.tied_embeddings and stages == 1:
        tables = 1
    embeddings = tables * _rounded(shape.vocabulary, VOCABULARY_BLOCK) * shape.hidden_size / ranks * plain
    if stage == 0:
        embeddings += shape.learned_positions * shape.hidden_size * plain
    encoder = (shape.encoder_parameters or 0) / ranks * plain if stage == 0 and settings.images else 0.0
    return RankWeights(attention, mlp, experts, embeddings, encoder)


def stored_weights_gib(shape: ModelShape) -> float:
    """Return the weights as they are published, in GiB: what a download and a volume have to hold.

    Duplicate formats and layers for speculative decoding, which some repositories add, are left out.
    """
    plain = DTYPE_BYTES.get(shape.dtype, 2.0)
    stored = shape.quantization
    if stored is None:
        return shape.parameters * plain / 2**30
    packed = shape.expert_parameters
    if stored.part is QuantizedPart.LINEAR:
        attention = sum(group.layers for group in shape.layer_groups if group.kind != "recurrent")
        packed += shape.dense_mlp_parameters + shape.shared_expert_parameters
        packed += attention * shape.attentions * shape.attention_parameters
    return ((shape.parameters - packed) * plain + packed * stored.bits / 8) / 2**30


def _attention_per_rank(shape: ModelShape, ranks: int) -> float:
    hidden, heads = shape.hidden_size, shape.attention_heads / ranks
    latent = shape.latent_attention
    if latent is None:
        kv_heads = max(1.0, shape.key_value_heads / ranks)
        return 2 * hidden * shape.head_dim * (heads + kv_heads)
    query_width = heads * (latent.qk_nope_head_dim + latent.qk_rope_head_dim)
    query = hidden * query_width
    if latent.q_lora_rank is not None:
        query = latent.q_lora_rank * (hidden + query_width)
    down = hidden * (latent.kv_lora_rank + latent.qk_rope_head_dim)
    up = latent.kv_lora_rank * heads * (latent.qk_nope_head_dim + latent.v_head_dim)
    return query + down + up + heads * latent.v_head_dim * hidden


def _dense_width(shape: ModelShape) -> int:
    if shape.experts is not None:
        return shape.experts.dense_intermediate_size
    return shape.intermediate_size or 0


def _sparse_layers(shape: ModelShape, stage: int, stages: int, layers: int) -> float:
    if shape.experts is None:
        return 0.0
    dense = shape.layers - shape.experts.layers
    if dense * 2 >= shape.layers:  # alternating layers
        return layers * shape.experts.layers / shape.layers
    before = sum(stage_layers(shape.layers, stages)[:stage])  # dense layers come first
    return float(layers - min(layers, max(0, dense - before)))


def _rounded(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
