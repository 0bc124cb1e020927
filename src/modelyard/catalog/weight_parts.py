"""The weights of a model by what they are for and how tensor parallelism shares them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WeightPart(StrEnum):
    """What weights are for."""

    ATTENTION = "attention"
    RECURRENT = "recurrent"  # Mamba, linear attention, short convolutions
    MLP = "mlp"
    SHARED_EXPERTS = "shared-experts"
    EXPERTS = "experts"
    ROUTER = "router"
    EMBEDDINGS = "embeddings"
    HEAD = "head"
    ENCODER = "encoder"  # vision and audio towers with their projectors
    DRAFT = "draft"  # layers that predict further tokens (MTP); loaded only when they speculate


class Split(StrEnum):
    """How tensor-parallel ranks share weights."""

    RANKS = "ranks"  # each rank has its share
    HEADS = "heads"  # as RANKS, but there are no more shares than key-value heads
    WHOLE = "whole"  # each rank has all of it


@dataclass(frozen=True, slots=True)
class Matrix:
    """One weight matrix of a checkpoint, or the like ones of all experts of a layer.

    Attributes:
        name: Module as checkpoints name it, such as `layers.3.self_attn.q_proj`, without what stands before `layers`.
        part: What it is for.
        values: Parameters.
        split: How ranks share it.
        layer: Layer, counted from 0; -1 for what is in none.
    """

    name: str
    part: WeightPart
    values: int
    split: Split = Split.RANKS
    layer: int = -1


@dataclass(frozen=True, slots=True)
class PartWeights:
    """The matrices of a model that are for one thing, are shared alike and are stored alike.

    Attributes:
        part: What they are for.
        parameters: Parameters of all layers together.
        split: How ranks share them.
        bits: Bits of one parameter on average, scales included; None for the model's own type.
        layers: Layers that have them; 0 for what is in none.
        copy: Whether they are a second copy of weights that are counted already, which the engine makes.
    """

    part: WeightPart
    parameters: int
    split: Split = Split.RANKS
    bits: float | None = None
    layers: int = 0
    copy: bool = False
