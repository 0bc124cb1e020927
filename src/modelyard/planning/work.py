"""What a model makes a device do for a token: bytes read, operations, bytes exchanged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from modelyard.catalog import Device, LayerKind, ModelShape
from modelyard.catalog.weight_parts import PartWeights, WeightPart

PLAIN_BITS = 16.0
"""Bits of a weight that is not quantised: vLLM runs 32-bit checkpoints in 16 bits too."""

NOT_READ = (WeightPart.EMBEDDINGS, WeightPart.ENCODER, WeightPart.DRAFT)
"""Parts that a decode step does not read: of the embeddings a row a token, of a tower nothing without images."""

ONLINE = (WeightPart.ATTENTION, WeightPart.RECURRENT, WeightPart.MLP, WeightPart.SHARED_EXPERTS, WeightPart.EXPERTS)
"""Parts that `--quantization fp8` quantises while vLLM loads them."""


FLOATING = ("nvfp4", "mxfp4")
"""Methods of 4-bit numbers that devices or their kernels multiply without unpacking to integers first."""


@dataclass(frozen=True, slots=True)
class ModelWork:
    """What one token costs, all ranks of one copy together.

    Attributes:
        dense_bytes: Weights that every step reads.
        expert_bytes: Weights of all routed experts.
        experts: Routed experts of a layer; 0 without any.
        experts_per_token: Routed experts that a token takes.
        operations: Floating-point operations of a token in matrices, as (bits that its weights are stored in,
            operations), without the output layer.
        head_operations: Operations of the output layer, which only tokens go through that another one follows.
        attention_operations: Operations of a token for each token before it, in all layers that see the whole text.
        windows: Layers with a window as (layers, window, operations of a token for each token in it).
        cache: Layers' cache as (layers, tokens kept or 0 for all, bytes of a token in one layer, heads to share it by).
        layers: Layers.
        hidden_size: Width of the residual stream.
        method: How weights are quantised; empty for 16 bits.
    """

    dense_bytes: float
    expert_bytes: float
    experts: int
    experts_per_token: int
    operations: tuple[tuple[float, float], ...]
    head_operations: float
    attention_operations: float
    windows: tuple[tuple[int, int, float], ...]
    cache: tuple[tuple[int, int, float, int], ...]
    layers: int
    hidden_size: int
    method: str

    @property
    def unpacked(self) -> bool:
        """Return whether weights are 4-bit integers, which every kernel unpacks to 16 bits before it multiplies."""
        return any(bits < 6 for bits, _ in self.operations) and self.method not in FLOATING

    def weight_bytes(self, tokens: float) -> float:
        """Return the weights that a step over some tokens reads, in bytes.

        A token takes k of E experts; N tokens that choose independently touch E (1 - (1 - k/E)^N) of them.
        """
        if not self.experts:
            return self.dense_bytes
        touched: float = 1 - (1 - self.experts_per_token / self.experts) ** max(1.0, tokens)
        return self.dense_bytes + self.expert_bytes * touched

    def cache_bytes(self, length: float, ranks: int) -> float:
        """Return what one request of some tokens has in the cache of one of so many ranks, in bytes.

        Key-value heads are repeated where there are fewer than ranks; a latent vector is on every rank.
        """
        return sum(
            layers * min(length, window or length) * size / min(ranks, heads)
            for layers, window, size, heads in self.cache
        )

    def context_operations(self, prompt: float) -> float:
        """Return the operations of attention over a prompt: each token sees those before it."""
        whole = self.attention_operations * prompt * prompt / 2
        return whole + sum(
            layers * each * (min(prompt, window) ** 2 / 2 + max(0.0, prompt - window) * window)
            for layers, window, each in self.windows
        )


@lru_cache(maxsize=512)
def model_work(shape: ModelShape, quantization: str = "", cache_bytes: float = 2.0) -> ModelWork:
    """Return what a token of a model costs.

    Args:
        shape: The model.
        quantization: `fp8` where vLLM quantises 16-bit weights while it loads them; empty for what the shape says.
        cache_bytes: Bytes of one value in the cache.
    """
    dense = expert = head = 0.0
    by_bits: dict[float, float] = {}
    moe = shape.experts
    for weights in shape.part_weights:
        if weights.part in NOT_READ and not (weights.part is WeightPart.EMBEDDINGS and shape.tied_embeddings):
            continue
        bits = _bits(weights, shape, quantization)
        stored = weights.parameters * bits / 8
        if weights.part is WeightPart.EXPERTS and moe is not None:
            expert += stored
            used = weights.parameters * moe.per_token / moe.count
        else:
            dense += stored
            used = float(weights.parameters)
        if weights.part in (WeightPart.HEAD, WeightPart.EMBEDDINGS):
            head += 2 * used
        else:
            by_bits[bits] = by_bits.get(bits, 0.0) + 2 * used
    whole, windows, cache = _attention(shape, cache_bytes)
    stored_as = shape.quantization
    return ModelWork(
        dense_bytes=dense,
        expert_bytes=expert,
        experts=moe.count if moe is not None else 0,
        experts_per_token=moe.per_token if moe is not None else 0,
        operations=tuple(sorted(by_bits.items())),
        head_operations=head,
        attention_operations=whole,
        windows=windows,
        cache=cache,
        layers=shape.layers,
        hidden_size=shape.hidden_size,
        method=stored_as.method if stored_as is not None else quantization,
    )


def _bits(weights: PartWeights, shape: ModelShape, quantization: str) -> float:
    if weights.bits is not None:
        return weights.bits
    return 8.0 if quantization == "fp8" and shape.quantization is None and weights.part in ONLINE else PLAIN_BITS


def _attention(
    shape: ModelShape, value: float
) -> tuple[float, tuple[tuple[int, int, float], ...], tuple[tuple[int, int, float, int], ...]]:
    """Return operations of whole layers, of windowed layers, and the cache of the groups of layers."""
    whole, windows, cache = 0.0, [], []
    latent = shape.latent_attention
    for group in shape.layer_groups:
        if group.kind in (LayerKind.RECURRENT, LayerKind.ENCODER):
            continue
        heads = group.key_value_heads or shape.key_value_heads
        key = group.head_dim or shape.head_dim
        width = 2.0 * key if group.value_dim is None else float(key + group.value_dim)
        size = value * heads * width
        if latent is not None:
            width = float(latent.qk_nope_head_dim + latent.qk_rope_head_dim + latent.v_head_dim)
            size, heads = value * (latent.kv_lora_rank + latent.qk_rope_head_dim), 1
        each = 2.0 * shape.attention_heads * width
        if group.window:
            windows.append((group.layers, group.window, each))
        else:
            whole += group.layers * each
        cache.append((group.layers, group.window or 0, size, heads))
    return whole, tuple(windows), tuple(cache)


def computing_bits(bits: float, method: str, device: Device) -> float:
    """Return the bits in which a device multiplies weights that are stored in some bits.

    Weights of 4 bits are multiplied as such only as NVFP4 or MXFP4 on devices that have FP4, those of 8 bits where the
    device has FP8; everything else is unpacked to 16 bits first.
    """
    capability = device.compute_capability or (0, 0)
    if bits < 6:
        return 4.0 if capability >= (10, 0) and method in FLOATING else PLAIN_BITS
    if bits < 12:
        return 8.0 if capability >= (8, 9) and "fp8" in method else PLAIN_BITS
    return PLAIN_BITS
