"""What a vision tower takes while the engine measures its memory."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.catalog import ModelShape
from modelyard.sizing.settings import EffectiveSettings

VIDEO_FRAMES = 16
"""Frames of the longest video that Qwen2-VL is tried with, two to a step (`_MAX_FRAMES_PER_VIDEO`, 14 since 0.18)."""

STREAM_COPIES = 6
"""Tensors of the tower's width at the peak of a block: the stream, its norm, queries, keys, values and the output."""


DOUBTS = {"mllama": 0.1, "qwen2_vl": 1 / 3, "qwen3_vl": 1 / 3}
"""How far the trial run may be from the estimate, as a share of it, where logs tell whose tower decides; else a half.

Llama 3.2: 36.6 GiB where 37.3 are estimated. Qwen2.5-VL: 15.4 where 13.1 are, and 2.2 where 2.2 are. Qwen3-VL and
Qwen3.5, twelve logs from 0.11 to 0.28: within 0.25 GiB of 0.9 to 1.9 in nine of them, 0.6 in the farthest."""

STAMPS_COUNTED_BEFORE = (0, 13, 0)
"""Before, the time stamps of Qwen3-VL's videos were counted, which made a video the largest item."""


@dataclass(frozen=True, slots=True)
class TrialItems:
    """What the engine runs through the tower at start.

    Attributes:
        count: Items at a time.
        tokens: Tokens that one of them becomes.
        kept: Tokens that are kept of one until the text has run.
    """

    count: int
    tokens: int
    kept: int


def trial_items(shape: ModelShape, settings: EffectiveSettings) -> TrialItems | None:
    """Return the items of the trial run; None where none runs.

    As many of the largest items as a batch holds and its requests may bring, at least one (`MultiModalBudget`; the V0
    engine tries one for each request). A video that may grow with the length of a request takes what an image leaves
    of it, in steps of an image. In 0.11 what is kept of an item is padded to the whole batch, in 0.12 to the largest
    item (`profile_run` of `vllm/v1/worker/gpu_model_runner.py`); the V0 engine keeps nothing.
    """
    tower = shape.encoder
    if tower is None or not settings.images or not settings.profiles_encoder:
        return None
    length = settings.max_model_len if settings.max_model_len > 0 else shape.max_positions or 0
    largest = max(1, tower.item_tokens)
    if settings.max_pixels and tower.pixels_per_token:
        largest = max(1, min(largest, settings.max_pixels // tower.pixels_per_token))
    counted = largest
    if tower.by_length and settings.videos:
        steps = min((length - largest) // largest, VIDEO_FRAMES // 2)
        largest *= max(1, steps)
        counted = largest
    elif tower.video_tokens and settings.videos:
        video, stamped = tower.video_tokens, tower.video_counted
        if tower.kind == "qwen3_vl":
            stamps = stamped / video if settings.version < STAMPS_COUNTED_BEFORE else 1.0
            video = min(video, max(1, length))
            stamped = int(video * stamps)
        if stamped > counted:
            largest, counted = video, stamped
    if tower.each_request:
        return TrialItems(settings.max_num_seqs, largest, 0)
    of_request = min(settings.items_per_prompt, max(1, length // counted)) if not settings.first_engine else 1
    items = max(1, min(settings.max_num_batched_tokens // counted, settings.max_num_seqs * of_request))
    kept = largest
    if (0, 11, 0) <= settings.version < (0, 12, 0):
        kept = max(counted, settings.max_num_batched_tokens)
    elif (0, 12, 0) <= settings.version < (0, 13, 0):
        kept = counted
    return TrialItems(items, largest, 0 if settings.first_engine else kept)


def encoder_positions(shape: ModelShape, settings: EffectiveSettings) -> int:
    """Return how many patches a rank's tower has at a time in the trial run; 0 where none runs."""
    items = trial_items(shape, settings)
    if items is None or shape.encoder is None:
        return 0
    ranks = settings.tensor_parallel_size if settings.whole_encoder else 1
    return -(-items.count * items.tokens // ranks) * shape.encoder.positions_per_token


def encoder_kept_gib(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return what the text's trial run finds of the tower's, in GiB: a vector for each token, and one for each tap."""
    items = trial_items(shape, settings)
    if items is None or shape.encoder is None:
        return 0.0
    width = shape.hidden_size * (1 + shape.encoder.taps)
    return items.count * items.kept * width * settings.dtype_bytes / 2**30


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
    """Return by how much the trial run may differ from the estimate, in GiB."""
    share = DOUBTS.get(shape.encoder.kind, 0.5) if shape.encoder is not None else 0.5
    return share * encoder_peak_gib(shape, settings)
