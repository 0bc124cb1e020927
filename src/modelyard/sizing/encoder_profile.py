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

    As many of the largest items as a batch holds and its requests may bring, at least one (`MultiModalBudget`; the V0
    engine tries one for each request). A video that may grow with the length of a request takes what an image leaves
    of it, in steps of an image.
    """
    tower = shape.encoder
    if tower is None or not settings.images or not settings.profiles_encoder:
        return 0
    length = settings.max_model_len if settings.max_model_len > 0 else shape.max_positions or 0
    largest = max(1, tower.item_tokens)
    if settings.max_pixels and tower.pixels_per_token:
        largest = max(1, min(largest, settings.max_pixels // tower.pixels_per_token))
    if tower.by_length and settings.videos:
        steps = min((length - largest) // largest, VIDEO_FRAMES // 2)
        largest *= max(1, steps)
    if tower.each_request:
        items = settings.max_num_seqs
    else:
        of_request = min(settings.items_per_prompt, max(1, length // largest)) if not settings.first_engine else 1
        items = max(1, min(settings.max_num_batched_tokens // largest, settings.max_num_seqs * of_request))
    ranks = settings.tensor_parallel_size if settings.whole_encoder else 1
    return -(-items * largest // ranks) * tower.positions_per_token


def encoder_peak_gib(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return the peak of the tower's trial run in GiB."""
    tower, positions = shape.encoder, encoder_positions(shape, settings)
    if tower is None or not positions:
        return 0.0
    ranks = 1 if settings.whole_encoder else settings.tensor_parallel_size
    inner = (3 if tower.mlp_matrices == 3 else 2) * tower.intermediate_size / ranks
    in_a_block = (STREAM_COPIES + tower.kept) * tower.hidden_size + inner
    # Once the layers are through, what was kept of them becomes tokens of the text's width.
    at_the_end = (1 + tower.kept) * tower.hidden_size + shape.hidden_size / max(1, tower.positions_per_token)
    return positions * max(in_a_block, at_the_end) * 2 / 2**30


def encoder_doubt_gib(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return by how much the trial run may differ from the estimate, in GiB: half of it."""
    return encoder_peak_gib(shape, settings) / 2
