"""Fields of a `config.json` that a family calls by other names, told as the others call them.

As vLLM's classes read them (`vllm/model_executor/models`, 0.8.5 to 0.33.0), and as the config classes of transformers
map them (`attribute_map`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard.catalog.config_fields import count

# fmt: off
_SHORT = {
    "n_embd": "hidden_size", "n_embed": "hidden_size", "d_model": "hidden_size",
    "n_layer": "num_hidden_layers", "n_layers": "num_hidden_layers", "num_layers": "num_hidden_layers",
    "n_head": "num_attention_heads", "n_heads": "num_attention_heads",
    "n_positions": "max_position_embeddings", "max_seq_len": "max_position_embeddings",
    "seq_length": "max_position_embeddings", "model_max_length": "max_position_embeddings",
    "n_inner": "intermediate_size", "ffn_dim": "intermediate_size", "ffn_hidden_size": "intermediate_size",
    "num_attention_groups": "num_key_value_heads", "kv_channels": "head_dim", "padded_vocab_size": "vocab_size",
}
# fmt: on

RENAMED = {
    **dict.fromkeys(
        ("gpt2", "gptj", "gpt_bigcode", "bloom", "falcon", "refinedweb", "refinedwebmodel", "opt", "mpt", "dbrx"),
        _SHORT,
    ),
    **dict.fromkeys(("chatglm", "exaone", "nomic_bert", "baichuan", "step3p5"), _SHORT),
}
"""Other names of fields by the model's type."""

FOUR_TIMES = ("gpt2", "gptj", "gpt_bigcode", "bloom", "falcon", "refinedweb", "refinedwebmodel", "mpt")
"""Model types whose MLP is four times as wide as the model where the config does not say."""

FIRST_OF_LISTS = ("moe_intermediate_size", "num_shared_expert", "moe_topk")
"""Fields of Hunyuan that have one entry for each layer, all alike."""


def with_usual_names(text: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config whose fields are called as most families call them.

    Args:
        text: The language part of a config.
    """
    told, kind = dict(text), str(text.get("model_type") or "").lower()
    names = RENAMED.get(kind, {})
    for other, usual in names.items():
        if told.get(usual) is None and told.get(other) is not None:
            told[usual] = told[other]
    if kind in FOUR_TIMES and told.get("intermediate_size") is None:
        ratio = told.get("expansion_ratio", 4)
        told["intermediate_size"] = (ratio if isinstance(ratio, int) else 4) * count(told, "hidden_size")
    groups = _groups(told, kind)
    if groups is not None:
        told["num_key_value_heads"] = groups
    if kind == "dbrx":
        told |= _dbrx(told)
    for key in FIRST_OF_LISTS if kind.startswith("hunyuan") else ():
        if isinstance(told.get(key), list) and len(set(map(str, told[key]))) == 1:
            told[key] = told[key][0]
    if kind.startswith("hunyuan") and "num_shared_expert" in told:
        told.setdefault("num_shared_experts", told["num_shared_expert"] if told.get("use_mixed_mlp_moe") else 0)
    return told


def _groups(text: Mapping[str, Any], kind: str) -> int | None:
    """Return the key and value heads of families that tell them in words; None for others."""
    if kind in ("falcon", "refinedweb", "refinedwebmodel"):
        if text.get("new_decoder_architecture"):
            return count(text, "num_kv_heads", count(text, "n_head_kv", count(text, "num_attention_heads")))
        return 1 if text.get("multi_query", True) else count(text, "num_attention_heads")
    if kind == "gpt_bigcode":
        return 1 if text.get("multi_query", True) else count(text, "num_attention_heads")
    if kind == "chatglm" and text.get("multi_query_attention"):
        return count(text, "multi_query_group_num")
    attention = text.get("attn_config")
    if kind in ("mpt", "dbrx") and isinstance(attention, Mapping) and attention.get("kv_n_heads"):
        return count(attention, "kv_n_heads")
    return None


def _dbrx(text: Mapping[str, Any]) -> dict[str, Any]:
    experts = text.get("ffn_config")
    if not isinstance(experts, Mapping):
        return {}
    return {
        "num_experts": count(experts, "moe_num_experts"),
        "num_experts_per_tok": count(experts, "moe_top_k"),
        "intermediate_size": count(experts, "ffn_hidden_size"),
    }
