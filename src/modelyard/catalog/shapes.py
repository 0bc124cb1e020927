"""The shape of a model: what its memory follows from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from modelyard.catalog.encoders import Encoder
from modelyard.catalog.recurrences import Recurrence
from modelyard.catalog.weight_parts import PartWeights, Split, WeightPart

UNKNOWN_WEIGHTS = ("quantisation ", "architecture ", "layer types ", "block_configs ")
"""How entries of `unmodelled` begin that leave open what the weights are."""


class LayerKind(StrEnum):
    """What a layer keeps of the tokens that it has seen."""

    FULL = "full"  # every token
    SLIDING = "sliding"  # the last `window` tokens
    CHUNKED = "chunked"  # the tokens of the current chunk of `window`
    RECURRENT = "recurrent"  # a state of fixed size (Mamba, linear attention)
    ENCODER = "encoder"  # nothing: each token attends to the whole text at once, and none follows


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """Layers of one kind.

    Attributes:
        kind: What they keep.
        layers: How many there are.
        window: Tokens of the window or chunk; None for layers of other kinds.
        key_value_heads: Their key and value heads where they are not the model's.
        head_dim: Width of their key heads where it is not the model's.
        value_dim: Width of their value heads where it is not the key heads'.
    """

    kind: LayerKind
    layers: int
    window: int | None = None
    key_value_heads: int | None = None
    head_dim: int | None = None
    value_dim: int | None = None


@dataclass(frozen=True, slots=True)
class Experts:
    """The mixture of experts of a model.

    Attributes:
        count: Routed experts of a layer.
        per_token: Routed experts that a token takes.
        intermediate_size: Width of one expert.
        layers: Layers that have experts; the others have a dense MLP.
        shared_intermediate_size: Width of all shared experts of a layer together.
        dense_intermediate_size: Width of the MLP of layers without experts.
    """

    count: int
    per_token: int
    intermediate_size: int
    layers: int
    shared_intermediate_size: int = 0
    dense_intermediate_size: int = 0


@dataclass(frozen=True, slots=True)
class LatentAttention:
    """Multi-head latent attention (DeepSeek): the cache holds one latent vector per token and layer.

    Attributes:
        kv_lora_rank: Width of the latent.
        qk_rope_head_dim: Width of the rotary part that is stored beside it.
        qk_nope_head_dim: Width of a query or key head without the rotary part.
        v_head_dim: Width of a value head.
        q_lora_rank: Width of the query's latent; None where queries are not compressed.
    """

    kv_lora_rank: int
    qk_rope_head_dim: int
    qk_nope_head_dim: int
    v_head_dim: int
    q_lora_rank: int | None = None


class QuantizedPart(StrEnum):
    """Which weights a quantisation covers; embeddings and the output layer stay 16-bit in all of them."""

    LINEAR = "linear"  # attention, MLP and experts
    EXPERTS = "experts"  # routed experts only


@dataclass(frozen=True, slots=True)
class Quantization:
    """How the published weights are stored.

    Attributes:
        method: vLLM's name, such as `fp8`, `awq`, `mxfp4`.
        bits: Bits per weight, scales included.
        part: Which weights it covers.
        block: Weights that share a scale along a row, where a rank's share must be a multiple of it.
    """

    method: str
    bits: float
    part: QuantizedPart = QuantizedPart.LINEAR
    block: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """The fields of a model's `config.json` that memory and parallel sizes follow from.

    Attributes:
        architecture: First of the config's `architectures`.
        layers: Transformer layers.
        hidden_size: Width of the residual stream.
        attention_heads: Query heads.
        key_value_heads: Key and value heads.
        head_dim: Width of a head.
        vocabulary: Tokens of the vocabulary.
        max_positions: Longest context; None where the config does not say.
        intermediate_size: Width of the dense MLP; None for a model that has experts in every layer.
        gated_mlp: Whether an MLP has three matrices (gate, up, down) rather than two.
        tied_embeddings: Whether the output layer is the embedding.
        dtype: Type of the weights that are not quantised.
        groups: Layers by kind, together `layers`; empty when all keep every token.
        experts: The mixture of experts, if any.
        latent_attention: Set for models with multi-head latent attention.
        quantization: How the published weights are stored; None for `dtype` throughout.
        encoder_parameters: Parameters of vision or audio towers; None where there is a tower of unknown size.
        encoder_positions: Longest input of an encoder to which every layer has a second attention (Whisper); 0 for
            models without one.
        learned_positions: Rows of a table of learned positions; 0 where positions are computed.
        rotary_values: Values of the tables of rotary positions that the engine makes beside the weights.
        weights: The weights by part as the config lists them; empty where they follow from the fields above.
        recurrence: The state of recurrent layers; None for models without any, and where it is not known.
        encoder: The vision tower; None for models without one, and where it is not known.
        index_dim: Width of the keys of a sparse attention's indexer, which keeps them beside each layer's; 0 without.
        index_layers: Layers that have such an indexer where attention is not latent; all of them where it is.
        compressed: Layers that keep a vector of every 4 tokens, and of every 128 (DeepSeek V4); zeros for other models.
        compressed_window: Tokens that such layers keep as they are.
        kv_cache_dtype: Type that the checkpoint names for its cache, as vLLM calls it; empty where it names none.
        draft_layers: Layers that predict further tokens (MTP), loaded only when they speculate.
        unmodelled: Parts of the config whose memory the shape does not tell.
    """

    architecture: str
    layers: int
    hidden_size: int
    attention_heads: int
    key_value_heads: int
    head_dim: int
    vocabulary: int
    max_positions: int | None = None
    intermediate_size: int | None = None
    gated_mlp: bool = True
    tied_embeddings: bool = False
    dtype: str = "bfloat16"
    groups: tuple[LayerGroup, ...] = ()
    experts: Experts | None = None
    latent_attention: LatentAttention | None = None
    quantization: Quantization | None = None
    encoder_parameters: int | None = 0
    encoder_positions: int = 0
    learned_positions: int = 0
    rotary_values: int = 0
    weights: tuple[PartWeights, ...] = ()
    recurrence: Recurrence | None = None
    encoder: Encoder | None = None
    index_dim: int = 0
    index_layers: int = 0
    compressed: tuple[int, int] = (0, 0)
    compressed_window: int = 0
    kv_cache_dtype: str = ""
    draft_layers: int = 0
    unmodelled: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse counts that no model has, so that arithmetic on a shape never fails."""
        for name, value, highest in (
            ("layers", self.layers, 1_000),
            ("hidden_size", self.hidden_size, 1_000_000),
            ("attention_heads", self.attention_heads, 4_096),
            ("key_value_heads", self.key_value_heads, 4_096),
            ("head_dim", self.head_dim, 8_192),
            ("vocabulary", self.vocabulary, 10_000_000),
        ):
            if not 1 <= value <= highest:
                raise ValueError(f"{name.replace('_', '-')} is {value}, expected 1 to {highest}")
        # A layer may have an attention beside a recurrence (Falcon-H1), and no more of either than one.
        recurrent = sum(group.layers for group in self.groups if group.kind is LayerKind.RECURRENT)
        if max(recurrent, sum(group.layers for group in self.groups) - recurrent) > self.layers:
            raise ValueError(f"the groups have more than {self.layers} layers")

    @property
    def layer_groups(self) -> tuple[LayerGroup, ...]:
        """Layers by kind; one group of full layers when none is stated."""
        return self.groups or (LayerGroup(LayerKind.FULL, self.layers),)

    @property
    def attentions(self) -> int:
        """Attentions of one layer: to the text, and to what an encoder made."""
        return 2 if self.encoder_positions else 1

    @property
    def encodes_only(self) -> bool:
        """Whether no layer keeps anything: the model embeds or classifies texts, and generates none."""
        return all(group.kind is LayerKind.ENCODER for group in self.layer_groups)

    @property
    def mlp_matrices(self) -> int:
        """Weight matrices of one MLP or expert."""
        return 3 if self.gated_mlp else 2

    @property
    def parameters(self) -> int:
        """Parameters by the shape: matrices and embeddings, without norms, biases, drafts and unknown towers."""
        counted = (weights for weights in self.part_weights if weights.part is not WeightPart.DRAFT)
        return sum(weights.parameters for weights in counted if not weights.copy)

    @property
    def unknown_weights(self) -> tuple[str, ...]:
        """What keeps the weights from being counted, by name; empty where they are known."""
        return tuple(part for part in self.unmodelled if part.startswith(UNKNOWN_WEIGHTS))

    @property
    def part_weights(self) -> tuple[PartWeights, ...]:
        """The weights by part: as the config listed them, else as they follow from the other fields."""
        return self.weights or tuple(self._parts())

    def _parts(self) -> Iterator[PartWeights]:
        hidden, stored = self.hidden_size, self.quantization
        linear = stored.bits if stored is not None and stored.part is QuantizedPart.LINEAR else None
        routed = stored.bits if stored is not None else None
        attended = sum(g.layers for g in self.layer_groups if g.kind is not LayerKind.RECURRENT) * self.attentions
        for split, values in self._attention_matrices():
            yield PartWeights(WeightPart.ATTENTION, attended * values, split, linear, attended)
        mlp, dense = self.mlp_matrices * hidden, self.layers
        if self.experts is not None:
            moe = self.experts
            dense -= moe.layers
            yield PartWeights(
                WeightPart.EXPERTS,
                moe.layers * moe.count * mlp * moe.intermediate_size,
                Split.RANKS,
                routed,
                moe.layers,
            )
            yield PartWeights(WeightPart.ROUTER, moe.layers * hidden * moe.count, Split.WHOLE, None, moe.layers)
            shared = moe.layers * mlp * moe.shared_intermediate_size
            yield PartWeights(WeightPart.SHARED_EXPERTS, shared, Split.RANKS, linear, moe.layers)
        width = self.intermediate_size or 0 if self.experts is None else self.experts.dense_intermediate_size
        yield PartWeights(WeightPart.MLP, dense * mlp * width, Split.RANKS, linear, dense)
        yield PartWeights(WeightPart.EMBEDDINGS, self.vocabulary * hidden)
        yield PartWeights(WeightPart.EMBEDDINGS, self.learned_positions * hidden, Split.WHOLE)
        if not self.tied_embeddings:
            yield PartWeights(WeightPart.HEAD, self.vocabulary * hidden)
        yield PartWeights(WeightPart.ENCODER, self.encoder_parameters or 0)

    def _attention_matrices(self) -> Iterator[tuple[Split, int]]:
        hidden, latent = self.hidden_size, self.latent_attention
        if latent is None:
            yield Split.RANKS, 2 * hidden * self.head_dim * self.attention_heads
            yield Split.HEADS, 2 * hidden * self.head_dim * self.key_value_heads
            return
        width = self.attention_heads * (latent.qk_nope_head_dim + latent.qk_rope_head_dim)
        if latent.q_lora_rank is None:
            yield Split.RANKS, hidden * width
        else:
            yield Split.WHOLE, hidden * latent.q_lora_rank
            yield Split.RANKS, latent.q_lora_rank * width
        yield Split.WHOLE, hidden * (latent.kv_lora_rank + latent.qk_rope_head_dim)
        up = latent.kv_lora_rank * self.attention_heads * (latent.qk_nope_head_dim + latent.v_head_dim)
        yield Split.RANKS, up + self.attention_heads * latent.v_head_dim * hidden
