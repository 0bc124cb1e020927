"""What a vision tower takes while the engine measures its memory."""

from __future__ import annotations

from modelyard.catalog import ModelShape
from modelyard.sizing.settings import EffectiveSettings

VIDEO_FRAMES = 16
"""Frames of the longest video that Qwen2-VL is tried with, two to a step (`_MAX_FRAMES_PER_VIDEO`, 14 since 0.18)."""

STREAM_COPIES = 6
"""Tensors of the tower's width at the peak of a block: the stream, its norm, queries, keys, values and the output."""


def encoder_positions(shape: ModelShape, settings: EffectiveSettings) -> int:
    """Return how many patches the trial run has at a time; 0 where none runs.

    As many of the largest items as a batch holds, at least one (`MultiModalBudget`). A video that may grow with the
    length of a request takes what an image leaves of it, in steps of an image.
    """
    tower = shape.encoder
    if tower is None or not settings.images or not settings.profiles_encoder or settings.first_engine:
        return 0
    largest = max(1, tower.item_tokens)
    if tower.by_length:
        length = settings.max_model_len if settings.max_model_len > 0 else shape.max_positions or 0
        steps = min((length - largest) // largest, VIDEO_FRAMES // 2)
        largest *= max(1, steps)
    budget = max(settings.max_num_batched_tokens, largest)
    tokens = max(1, budget // largest) * largest
    ranks = settings.tensor_parallel_size if settings.whole_encoder else 1
    return -(-tokens // ranks) * tower.positions_per_token


def encoder_peak_gib(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return the peak of the tower's trial run in GiB."""
    tower, positions = shape.encoder, encoder_positions(shape, settings)
    if tower is None or not positions:
        return 0.0
    ranks = 1 if settings.whole_encoder else settings.tensor_parallel_size
    values = STREAM_COPIES * tower.hidden_size + 2 * tower.intermediate_size / ranks
    if tower.mlp_matrices == 3:
        values += tower.intermediate_size / ranks
    outputs = positions / max(1, tower.positions_per_token) * shape.hidden_size
    return (positions * values + outputs) * 2 / 2**30


def encoder_doubt_gib(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return by how much the trial run may differ from the estimate, in GiB: half of it."""
    return encoder_peak_gib(shape, settings) / 2
