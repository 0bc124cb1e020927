"""Weights that one rank holds."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from modelyard.catalog import Device, Experts, ModelShape, Quantization, QuantizedPart
from modelyard.catalog.weight_parts import PartWeights, Split, WeightPart
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

LINEAR = (
    WeightPart.ATTENTION,
    WeightPart.RECURRENT,
    WeightPart.MLP,
    WeightPart.SHARED_EXPERTS,
    WeightPart.EXPERTS,
)
"""Parts that a quantisation while loading covers."""


@dataclass(frozen=True, slots=True)
class RankWeights:
    """Weights of one rank of a pipeline stage, in bytes.

    Attributes:
        attention: Attention layers and the mixers of recurrent ones.
        mlp: Dense and shared MLPs, and routers.
        experts: Routed experts.
        embeddings: Embedding and output layer.
        encoder: Vision or audio towers of known size.
        draft: Layers that predict further tokens, where they speculate.
        tables: Tables of rotary positions, which the engine makes while it loads.
    """

    attention: float
    mlp: float
    experts: float
    embeddings: float
    encoder: float
    draft: float = 0.0
    tables: float = 0.0

    @property
    def total(self) -> float:
        """All weights of the rank in bytes."""
        return sum((self.attention, self.mlp, self.experts, self.embeddings, self.encoder, self.draft, self.tables))


def effective_quantization(shape: ModelShape, settings: EffectiveSettings) -> Quantization | None:
    """Return how the weights lie in memory: as the model has them, or as the engine quantises them while it loads."""
    if shape.quantization is None and settings.quantization in ONLINE_BITS:
        part = QuantizedPart.EXPERTS if settings.quantization == "experts_int8" else QuantizedPart.LINEAR
        return Quantization(settings.quantization, ONLINE_BITS[settings.quantization], part)
    return shape.quantization


def mxfp4_padding(
    settings: EffectiveSettings, device: Device, width: int, hidden: int, *, marlin: bool = False
) -> float:
    """Return by how much padding lets MXFP4 experts grow, as a factor.

    vLLM rounds up for its kernels (`mxfp4_round_up_hidden_size_and_intermediate_size`): Triton on Hopper stores an
    expert's width in multiples of 256 (gpt-oss: 2880 as 3072, logged 64.38 GiB), Marlin on older devices and the
    FlashInfer kernels on newer ones its width in multiples of 128 and the hidden size in multiples of 256 (logged
    65.97 GiB).
    Before 0.10.1 Marlin did not pad (logged 12.88 GiB for gpt-oss-20b).

    Args:
        settings: The engine's settings.
        device: The device.
        width: Width of an expert on the rank.
        hidden: The model's width.
        marlin: Take Marlin's kernels on Hopper as well, which run where Triton's are not installed or somebody asks.
    """
    marlin = marlin or settings.marlin_experts
    if device.compute_capability is not None and device.compute_capability[0] == 9 and not marlin:
        return _rounded(width, 256) / width
    if settings.version < (0, 10, 1) and not marlin:
        return 1.0
    return _rounded(width, 128) / width * _rounded(hidden, 256) / hidden


def mxfp4_doubt_gib(shape: ModelShape, settings: EffectiveSettings, device: Device, weights: RankWeights) -> float:
    """Return by how much a rank's weights grow where Hopper runs MXFP4 experts by Marlin, in GiB; 0 elsewhere."""
    stored, moe, capability = effective_quantization(shape, settings), shape.experts, device.compute_capability
    if stored is None or stored.method != "mxfp4" or moe is None or capability is None or capability[0] != 9:
        return 0.0
    width = (
        moe.intermediate_size if settings.expert_parallel else moe.intermediate_size // settings.tensor_parallel_size
    )
    usual = mxfp4_padding(settings, device, max(1, width), shape.hidden_size)
    larger = mxfp4_padding(settings, device, max(1, width), shape.hidden_size, marlin=True)
    return max(0.0, weights.experts * (larger / usual - 1)) / 2**30


def rank_weights(shape: ModelShape, settings: EffectiveSettings, device: Device, stage: int = 0) -> RankWeights:
    """Return the weights of one rank of a pipeline stage.

    Tensor parallelism shares heads, MLPs, experts and the vocabulary; key-value heads are repeated when there are
    fewer than ranks, and the compressing projections of latent attention are on every rank. Experts are shared among
    tensor-parallel and data-parallel ranks alike, whole ones with expert parallelism. Norms and small biases are left
    out (below 0.1 %).
    """
    found = dict.fromkeys(WeightPart, 0.0)
    for weights in shape.part_weights:
        bits = weights.bits if weights.bits is not None else _unstored_bits(weights, shape, settings)
        found[weights.part] += _held(weights, shape, settings, device, stage) * bits / 8
    if stage == settings.pipeline_parallel_size - 1 and stage > 0 and shape.tied_embeddings:
        # Tied embeddings are there twice when the first and the last stage are not one.
        tables = (w.parameters for w in shape.part_weights if w.part is WeightPart.EMBEDDINGS and not w.layers)
        found[WeightPart.EMBEDDINGS] += sum(tables) / settings.tensor_parallel_size * settings.dtype_bytes
    return RankWeights(
        attention=found[WeightPart.ATTENTION] + found[WeightPart.RECURRENT],
        mlp=found[WeightPart.MLP] + found[WeightPart.SHARED_EXPERTS] + found[WeightPart.ROUTER],
        experts=found[WeightPart.EXPERTS],
        embeddings=found[WeightPart.EMBEDDINGS] + found[WeightPart.HEAD],
        encoder=found[WeightPart.ENCODER],
        draft=found[WeightPart.DRAFT],
        tables=shape.rotary_values * settings.dtype_bytes,
    )


def _unstored_bits(weights: PartWeights, shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return the bits of weights that are published in the model's own type."""
    online = ONLINE_BITS.get(settings.quantization) if shape.quantization is None else None
    covered = (WeightPart.EXPERTS,) if settings.quantization == "experts_int8" else LINEAR
    return online if online is not None and weights.part in covered else settings.dtype_bytes * 8


def _held(weights: PartWeights, shape: ModelShape, settings: EffectiveSettings, device: Device, stage: int) -> float:
    """Return how many parameters of some weights a rank holds."""
    ranks, stages = settings.tensor_parallel_size, settings.pipeline_parallel_size
    part, values = weights.part, float(weights.parameters)
    if part is WeightPart.EMBEDDINGS:
        if stage > 0:
            return 0.0
        return values if weights.split is Split.WHOLE else _padded(values, shape) / ranks
    if part is WeightPart.HEAD:
        return _padded(values, shape) / ranks if stage == stages - 1 else 0.0
    if part is WeightPart.ENCODER:
        shared = 1 if settings.whole_encoder else ranks
        return values / shared if stage == 0 and settings.images else 0.0
    if part is WeightPart.DRAFT:
        return values / ranks if stage == stages - 1 and settings.speculates_with_own_layers else 0.0
    values *= _stage_share(part, shape, stage, stages)
    if part is WeightPart.EXPERTS and shape.experts is not None:
        return values * _expert_share(shape.experts, shape, settings, device)
    if weights.split is Split.WHOLE:
        return values
    if weights.split is Split.HEADS:
        return values / min(ranks, shape.key_value_heads)
    return values / ranks


def _padded(values: float, shape: ModelShape) -> float:
    return values * _rounded(shape.vocabulary, VOCABULARY_BLOCK) / shape.vocabulary


def _expert_share(moe: Experts, shape: ModelShape, settings: EffectiveSettings, device: Device) -> float:
    """Return the share of all experts that a rank holds, with what padding adds."""
    sharing = settings.tensor_parallel_size * settings.data_parallel_size
    if settings.expert_parallel:
        share, width = ceil(moe.count / sharing) / moe.count, moe.intermediate_size
    else:
        share, width = 1 / sharing, max(1, moe.intermediate_size // sharing)
    stored = effective_quantization(shape, settings)
    if stored is not None and stored.method == "mxfp4":
        share *= mxfp4_padding(settings, device, width, shape.hidden_size)
    return share


def _stage_share(part: WeightPart, shape: ModelShape, stage: int, stages: int) -> float:
    """Return the share of a part's layers that a pipeline stage has; the dense layers of experts' models come first."""
    layers = stage_layers(shape.layers, stages)[stage]
    if shape.experts is None or part not in (
        WeightPart.EXPERTS,
        WeightPart.SHARED_EXPERTS,
        WeightPart.ROUTER,
        WeightPart.MLP,
    ):
        return layers / shape.layers
    sparse, dense = _sparse_layers(shape, stage, stages, layers), shape.layers - shape.experts.layers
    if part is WeightPart.MLP:
        return (layers - sparse) / dense if dense else layers / shape.layers
    return sparse / shape.experts.layers


def stored_weights_gib(shape: ModelShape) -> float:
    """Return the weights as they are published, in GiB: what a download and a volume have to hold.

    Duplicate formats and layers for speculative decoding, which some repositories add, are left out.
    """
    plain = DTYPE_BYTES.get(shape.dtype, 2.0) * 8
    counted = (each for each in shape.part_weights if each.part is not WeightPart.DRAFT and not each.copy)
    return sum(each.parameters * (plain if each.bits is None else each.bits) for each in counted) / 8 / 2**30


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
