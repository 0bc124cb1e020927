"""Vision towers: their weights, and what the engine runs through them when it measures its memory.

An engine that serves images runs its tower once at start, with as many of the largest items as one batch holds
(`MultiModalBudget` in `vllm/multimodal/encoder_budget.py`, `profile_run`). How large an item may be follows from the
family; where it follows from the length of a request instead, the config of the processor would have to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.catalog.config_fields import count, first_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """A vision tower with its projector.

    Attributes:
        kind: The family, such as `qwen3_vl`.
        hidden_size: Width of its residual stream.
        intermediate_size: Width of its MLP.
        mlp_matrices: Matrices of its MLP: two, or three with a gate.
        positions_per_token: Patches that become one token of the text.
        item_tokens: Tokens of the largest image or video.
        by_length: Whether a video may be as long as a request leaves room for beside an image.
        pixels_per_token: Pixels of an image that become one token, where `max_pixels` bounds images; 0 elsewhere.
        kept: Hidden states that are kept until the last layer beside the stream.
        each_request: Whether the trial run has one item for each request of a batch, whatever their length.
        taps: Layers whose output reaches the text beside the last one's (deepstack).
        video_tokens: Tokens of the longest video that runs through the tower; 0 where videos are not tried.
        video_counted: Tokens that the engine counts for such a video, marks and time stamps included.
    """

    kind: str
    hidden_size: int
    intermediate_size: int
    mlp_matrices: int = 2
    positions_per_token: int = 4
    item_tokens: int = 1
    by_length: bool = False
    pixels_per_token: int = 0
    kept: int = 0
    each_request: bool = False
    taps: int = 0
    video_tokens: int = 0
    video_counted: int = 0


def vision_encoder(config: Mapping[str, Any], text_hidden: int) -> tuple[Encoder, int] | None:
    """Return a model's vision tower and its parameters; None where its family is not known.

    Args:
        config: The whole `config.json`.
        text_hidden: Width of the language model that it feeds.
    """
    tower = config.get("vision_config")
    if not isinstance(tower, Mapping):
        return None
    reader = _FAMILIES.get(str(config.get("model_type") or ""))
    return reader(config, tower, text_hidden) if reader is not None else None


def _layers(tower: Mapping[str, Any], layers: int, hidden: int, inner: int, matrices: int) -> int:
    """Return the parameters of the tower's layers and of its patches' projection."""
    patch = first_count(tower, "patch_size", "spatial_patch_size") or 14
    colours, frames = first_count(tower, "in_channels", "in_chans") or 3, count(tower, "temporal_patch_size", 1)
    return layers * hidden * (4 * hidden + matrices * inner) + colours * frames * patch * patch * hidden


def _pixels_per_token(tower: Mapping[str, Any], patch: int) -> int:
    """Return the pixels of the patches that are merged to one token."""
    return (count(tower, "patch_size", patch) * count(tower, "spatial_merge_size", 2)) ** 2


QWEN2_VL_TOKENS = 16384
"""Tokens of the largest image: 12,845,056 pixels (`max_pixels` of its processor) at 28 x 28 pixels each."""

QWEN3_VL_TOKENS = 16384
"""Tokens of the largest image: 16,777,216 pixels (`longest_edge` of its processor) at 32 x 32 pixels each."""


QWEN3_VL_VIDEO_TOKENS = 12_288
"""Tokens of the longest video: 25,165,824 pixels of its processor at 32 x 32 pixels of two frames each. Until 0.12 the
engine counted 12.5 tokens for each (`get_max_video_tokens` of `vllm/model_executor/models/qwen3_vl.py`)."""

GEMMA4_FRAMES, GEMMA4_FRAME_TOKENS, GEMMA4_FRAME_MARKS = 32, 70, 8
"""Frames of a video of Gemma 4, tokens of a frame, and its marks and time stamp (`gemma4_mm.py`, 0.19.1 to 0.33.0)."""


def _qwen2_vl(config: Mapping[str, Any], tower: Mapping[str, Any], text_hidden: int) -> tuple[Encoder, int]:
    gated = config.get("model_type") == "qwen2_5_vl"
    hidden = count(tower, "hidden_size") if gated else count(tower, "embed_dim")
    inner = count(tower, "intermediate_size") if gated else int(hidden * float(tower.get("mlp_ratio") or 4))
    matrices, merged = (3 if gated else 2), hidden * count(tower, "spatial_merge_size", 2) ** 2
    total = _layers(tower, count(tower, "depth", 32), hidden, inner, matrices)
    total += merged * (merged + text_hidden)
    shape = Encoder(
        kind="qwen2_vl",
        hidden_size=hidden,
        intermediate_size=inner,
        mlp_matrices=matrices,
        item_tokens=QWEN2_VL_TOKENS,
        by_length=True,
        pixels_per_token=_pixels_per_token(tower, 14),
    )
    return shape, total


def _qwen3_vl(config: Mapping[str, Any], tower: Mapping[str, Any], text_hidden: int) -> tuple[Encoder, int]:
    del config
    hidden, inner = count(tower, "hidden_size"), count(tower, "intermediate_size")
    merged = hidden * count(tower, "spatial_merge_size", 2) ** 2
    taps = tower.get("deepstack_visual_indexes")
    mergers = 1 + (len(taps) if isinstance(taps, list) else 0)
    total = _layers(tower, count(tower, "depth"), hidden, inner, 2)
    total += mergers * merged * (merged + text_hidden) + count(tower, "num_position_embeddings", 0) * hidden
    shape = Encoder(
        kind="qwen3_vl",
        hidden_size=hidden,
        intermediate_size=inner,
        item_tokens=QWEN3_VL_TOKENS,
        pixels_per_token=_pixels_per_token(tower, 16),
        taps=mergers - 1,
        video_tokens=QWEN3_VL_VIDEO_TOKENS,
        video_counted=int(12.5 * QWEN3_VL_VIDEO_TOKENS),
    )
    return shape, total


def _gemma3(config: Mapping[str, Any], tower: Mapping[str, Any], text_hidden: int) -> tuple[Encoder, int]:
    hidden, inner = count(tower, "hidden_size"), count(tower, "intermediate_size")
    patches = (count(tower, "image_size", 896) // count(tower, "patch_size", 14)) ** 2
    tokens = count(config, "mm_tokens_per_image", 256)
    total = _layers(tower, count(tower, "num_hidden_layers"), hidden, inner, 2) + patches * hidden
    return Encoder(
        kind="gemma3",
        hidden_size=hidden,
        intermediate_size=inner,
        positions_per_token=max(1, patches // tokens),
        item_tokens=tokens,
    ), total + hidden * text_hidden


def _gemma4(config: Mapping[str, Any], tower: Mapping[str, Any], text_hidden: int) -> tuple[Encoder, int]:
    hidden, inner = count(tower, "hidden_size"), count(tower, "intermediate_size")
    total = _layers(tower, count(tower, "num_hidden_layers"), hidden, inner, 3)
    total += 2 * count(tower, "position_embedding_size", 0) * hidden + hidden * text_hidden
    return Encoder(
        kind="gemma4",
        hidden_size=hidden,
        intermediate_size=inner,
        mlp_matrices=3,
        positions_per_token=count(tower, "pooling_kernel_size", 3) ** 2,
        item_tokens=count(config, "vision_soft_tokens_per_image", 280),
        video_tokens=GEMMA4_FRAMES * GEMMA4_FRAME_TOKENS,
        video_counted=GEMMA4_FRAMES * (GEMMA4_FRAME_TOKENS + GEMMA4_FRAME_MARKS),
    ), total


def _pixtral(config: Mapping[str, Any], tower: Mapping[str, Any], text_hidden: int) -> tuple[Encoder, int]:
    hidden, inner = count(tower, "hidden_size"), count(tower, "intermediate_size")
    merge, patch = count(config, "spatial_merge_size", 1), count(tower, "patch_size", 14)
    side = count(tower, "image_size", 1540) // patch // merge
    total = _layers(tower, count(tower, "num_hidden_layers"), hidden, inner, 3)
    total += hidden * merge**2 * hidden * (merge > 1) + (hidden + text_hidden) * text_hidden
    return Encoder(
        kind="pixtral",
        hidden_size=hidden,
        intermediate_size=inner,
        mlp_matrices=3,
        positions_per_token=merge**2,
        item_tokens=side * side,
    ), total


def _llama4(config: Mapping[str, Any], tower: Mapping[str, Any], text_hidden: int) -> tuple[Encoder, int]:
    del config
    hidden, inner = count(tower, "hidden_size"), count(tower, "intermediate_size")
    wide = count(tower, "projector_output_dim", 4096)
    total = _layers(tower, count(tower, "num_hidden_layers"), hidden, inner, 2)
    total += inner * wide + wide * wide + wide * text_hidden
    # A tile of 336 x 336 pixels is 576 patches and 144 tokens; 16 tiles and the whole picture at most.
    return Encoder(kind="llama4", hidden_size=hidden, intermediate_size=inner, item_tokens=17 * 144), total


def _kimi(config: Mapping[str, Any], tower: Mapping[str, Any], text_hidden: int) -> tuple[Encoder, int]:
    del config
    hidden, inner = count(tower, "vt_hidden_size"), count(tower, "vt_intermediate_size")
    total = _layers(tower, count(tower, "vt_num_hidden_layers"), hidden, inner, 2)
    total += count(tower, "init_pos_emb_height", 64) * count(tower, "init_pos_emb_width", 64) * hidden
    total += 4 * hidden * (4 * hidden + text_hidden)
    # Its processor takes 16,384 patches of an image at most (`in_patch_limit`), four to a token.
    return Encoder(kind="kimi", hidden_size=hidden, intermediate_size=inner, item_tokens=4096), total


def _intern(config: Mapping[str, Any], tower: Mapping[str, Any], text_hidden: int) -> tuple[Encoder, int]:
    hidden, inner = count(tower, "hidden_size"), count(tower, "intermediate_size")
    total = _layers(tower, count(tower, "num_hidden_layers"), hidden, inner, 2)
    total += 4 * hidden * text_hidden + text_hidden * text_hidden
    tiles = count(config, "max_dynamic_patch", 12) + 1
    return Encoder(kind="internvl", hidden_size=hidden, intermediate_size=inner, item_tokens=256 * tiles), total


def _minimax(config: Mapping[str, Any], tower: Mapping[str, Any], text_hidden: int) -> tuple[Encoder, int]:
    del config
    hidden, inner = count(tower, "hidden_size"), count(tower, "intermediate_size")
    merge = tower.get("img_token_compression_config")
    side = count(merge, "spatial_merge_size", 2) if isinstance(merge, Mapping) else 2
    wide = count(tower, "projection_dim", text_hidden)
    total = _layers(tower, count(tower, "num_hidden_layers"), hidden, inner, 2)
    total += hidden * wide + wide * wide + side**2 * wide * text_hidden + text_hidden * text_hidden
    tokens = (count(tower, "image_size") // count(tower, "patch_size", 14) // side) ** 2
    return Encoder(
        kind="minimax_m3", hidden_size=hidden, intermediate_size=inner, positions_per_token=side**2, item_tokens=tokens
    ), total


MLLAMA_TILES = 4
"""Tiles of 560 x 560 pixels of an image of Llama 3.2 (`max_num_tiles`), each padded to a multiple of 8 patches."""


def _mllama(config: Mapping[str, Any], tower: Mapping[str, Any], text_hidden: int) -> tuple[Encoder, int]:
    del config
    hidden, inner = count(tower, "hidden_size"), count(tower, "intermediate_size")
    layers = count(tower, "num_hidden_layers", 32) + count(tower, "num_global_layers", 8)
    taps = tower.get("intermediate_layers_indices")
    kept = len(taps) if isinstance(taps, list) else 5
    patches = (count(tower, "image_size", 560) // count(tower, "patch_size", 14)) ** 2 + 1
    total = _layers(tower, layers, hidden, inner, 2) + (kept + 1) * hidden * text_hidden
    return Encoder(
        kind="mllama",
        hidden_size=hidden,
        intermediate_size=inner,
        positions_per_token=1,
        item_tokens=MLLAMA_TILES * -(-patches // 8) * 8,
        kept=kept,
        each_request=True,
    ), total


LLAVA_NEXT_TILES = 5
"""Tiles of the largest image, the whole picture included: grids of 2 x 2 are the largest (`image_grid_pinpoints`)."""


def _llava(config: Mapping[str, Any], tower: Mapping[str, Any], text_hidden: int) -> tuple[Encoder, int]:
    hidden, inner = count(tower, "hidden_size"), count(tower, "intermediate_size")
    patches = (count(tower, "image_size", 336) // count(tower, "patch_size", 14)) ** 2
    tiles = LLAVA_NEXT_TILES if config.get("model_type") == "llava_next" else 1
    # The features are taken one layer before the last, which is not loaded (`vision_feature_layer` of -2).
    layers = count(tower, "num_hidden_layers") - (config.get("vision_feature_layer", -2) == -2)
    total = _layers(tower, layers, hidden, inner, 2) + patches * hidden + (hidden + text_hidden) * text_hidden
    return Encoder(
        kind="llava", hidden_size=hidden, intermediate_size=inner, positions_per_token=1, item_tokens=tiles * patches
    ), total


_FAMILIES: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any], int], tuple[Encoder, int]]] = {
    "qwen2_vl": _qwen2_vl,
    "qwen2_5_vl": _qwen2_vl,
    "qwen3_vl": _qwen3_vl,
    "qwen3_vl_moe": _qwen3_vl,
    "qwen3_5": _qwen3_vl,
    "qwen3_5_moe": _qwen3_vl,
    "gemma3": _gemma3,
    "gemma4": _gemma4,
    "mistral3": _pixtral,
    "llama4": _llama4,
    "kimi_k25": _kimi,
    "internvl_chat": _intern,
    "kimi_k3": _kimi,
    "minimax_m3_vl": _minimax,
    "mllama": _mllama,
    "llava": _llava,
    "llava_next": _llava,
}
