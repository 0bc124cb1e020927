"""Tables of rotary positions, which an engine makes beside a model's weights while it loads them.

vLLM keeps the cosines and sines of every position in the model's own type, one table for each kind of attention, whole
on every rank (`_compute_cos_sin_cache` in `vllm/model_executor/layers/rotary_embedding`, 0.11.0 to 0.33.0).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.catalog.config_fields import count
from modelyard.catalog.layer_plans import PLACED, LayerPlan
from modelyard.catalog.shapes import LayerKind

POSITIONS_OF_PICTURES = 4
"""How many times the positions a table has whose positions are of time, height and width (`mrope.py`)."""

# fmt: off
THREE_AXES = (
    "glm4v", "glm4v_moe", "keye", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe",
)
# fmt: on
"""Model types whose positions are so, for configs that do not list `mrope_section`."""

PARTS = {
    "chatglm": 0.5,
    "glm": 0.5,
    "glm4": 0.5,
    "glm4_moe": 0.5,
    "phi": 0.5,
    "qwen3_next": 0.25,
    "qwen3_5_text": 0.25,
    "qwen3_5_moe_text": 0.25,
    "stablelm": 0.25,
}
"""Share of a head that turns, where a family's config class fills it in (`partial_rotary_factor`)."""


WITHOUT = ("bloom", "gpt2", "gpt_bigcode", "mpt", "opt")
"""Other model types whose positions do not turn."""


def rotary_values(config: Mapping[str, Any], text: Mapping[str, Any], plans: tuple[LayerPlan, ...]) -> int:
    """Return the values of all tables of a model together; 0 where its positions do not turn.

    Args:
        config: The whole `config.json`.
        text: Its language part.
        plans: The layers.
    """
    kind = str(text.get("model_type") or "").lower()
    if kind in (*PLACED, *WITHOUT) or text.get("alibi") or text.get("position_embedding_type") in ("nope", "absolute"):
        return 0
    scaling = _scaling(text)
    rows = _rows(text, scaling)
    if "mrope_section" in scaling or str(config.get("model_type") or "") in THREE_AXES:
        rows *= POSITIONS_OF_PICTURES
    return sum(rows * width for width in _widths(text, kind, scaling, plans))


def _scaling(text: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in ("rope_parameters", "rope_scaling"):
        told = text.get(key)
        if isinstance(told, Mapping):
            # Newer libraries write one mapping for each kind of layer.
            full = told.get("full_attention")
            return full if isinstance(full, Mapping) else told
    return {}


def _rows(text: Mapping[str, Any], scaling: Mapping[str, Any]) -> int:
    """Return the positions of a table: those of the model, or of its first training times the factor of YaRN."""
    rows = count(text, "max_position_embeddings", 0)
    factor, original = scaling.get("factor"), scaling.get("original_max_position_embeddings")
    if scaling.get("rope_type", scaling.get("type")) != "yarn" or not isinstance(original, int):
        return rows
    stretched = original * factor if isinstance(factor, int | float) and 0 < factor <= 1024 else rows
    return int(max(0, min(stretched, 4 * max(rows, original))))


def _widths(
    text: Mapping[str, Any], kind: str, scaling: Mapping[str, Any], plans: tuple[LayerPlan, ...]
) -> Iterator[int]:
    """Yield the width of each table: one for windows beside another where their heads or their bases differ."""
    if text.get("kv_lora_rank"):
        yield count(text, "qk_rope_head_dim", 0)
        return
    part = scaling.get("partial_rotary_factor", text.get("partial_rotary_factor", PARTS.get(kind, 1.0)))
    part = part if isinstance(part, int | float) and 0 < part <= 1 else 1.0
    heads = {(plan.kind is LayerKind.FULL, plan.head_dim) for plan in plans if plan.head_dim}
    apart = bool(text.get("rope_local_base_freq")) or kind.startswith(("gemma3", "gemma4"))
    for whole, width in heads if apart else {(True, width) for _, width in heads}:
        # Gemma 4 turns all of a head with zeros where the others turn a part.
        own = text.get("rotary_dim")
        if isinstance(own, int) and 0 < own <= width:
            yield own
            continue
        turned = 1.0 if kind.startswith("gemma4") or not whole else part
        yield int(width * turned)
