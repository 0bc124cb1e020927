"""The architectures whose weights and caches are modelled, and what their config classes fill in.

An architecture that is not here is named as not modelled, and nothing is said about its memory: vLLM may well serve it,
with layers that no field of a usual config tells of.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

# fmt: off
_DECODERS = (
    "Afmoe", "Apertus", "Aquila", "Arcee", "BaiChuan", "Baichuan", "BailingMoe", "BailingMoeV2", "Bamba", "Bloom",
    "Cohere", "Cohere2", "Dbrx", "DeciLM", "Deepseek", "DeepseekV2", "DeepseekV3", "DeepseekV32", "DeepseekV4", "Dots1",
    "Ernie4_5", "Ernie4_5_Moe", "Exaone", "Exaone4", "ExaoneMoE", "ExaoneMoe", "Falcon", "FalconH1", "FlexOlmo",
    "GPTBigCode", "GPTJ", "GPTNeoX", "Gemma", "Gemma2", "Gemma3", "Gemma4", "Glm", "Glm4", "Glm4Moe", "Glm4MoeLite",
    "GlmMoeDsa", "GptOss", "Granite", "GraniteMoe", "GraniteMoeHybrid", "GraniteMoeShared", "HunYuanDenseV1",
    "HunYuanMoEV1", "InternLM", "InternLM2", "InternLM3", "Jamba", "KimiLinear", "LLaMA", "Lfm2", "Lfm2Moe", "Llama",
    "Llama4", "MPT", "MiMo", "MiMoV2Flash", "MiniCPM", "MiniMaxM1", "MiniMaxM2", "MiniMaxM3Sparse", "MiniMaxText01",
    "Ministral", "Ministral3", "Mistral", "MistralLarge3", "Mixtral", "Mpt", "Nemotron", "NemotronH", "OPT", "Olmo",
    "Olmo2", "Olmo3", "Olmoe", "Orion", "Phi", "Phi3", "PhiMoE", "Qwen2", "Qwen2Moe", "Qwen3", "Qwen3Moe",
    "Qwen3Next", "Qwen3_5", "Qwen3_5Moe", "RW", "SeedOss", "SmolLM3", "Solar", "StableLm", "Starcoder2", "Step3p5",
    "Xverse",
)
# fmt: on

# fmt: off
_WITH_IMAGES = (
    "Gemma3", "Gemma4", "KimiK25", "KimiK3", "Llama4", "MiniMaxM3Sparse", "Mistral3", "Qwen2VL", "Qwen2_5_VL",
    "Qwen3VL", "Qwen3VLMoe", "Qwen3_5", "Qwen3_5Moe",
)
# fmt: on

# fmt: off
_OTHERS = (
    "BertForMaskedLM", "BertForSequenceClassification", "BertForTokenClassification", "BertModel",
    "BertSpladeSparseEmbeddingModel", "BgeM3EmbeddingModel", "ChatGLMForConditionalGeneration", "ChatGLMModel",
    "GPT2LMHeadModel", "GteModel", "GteNewForSequenceClassification", "GteNewModel", "InternVLChatModel",
    "InternLM2ForRewardModel", "LlamaBidirectionalForSequenceClassification", "LlamaBidirectionalModel",
    "LlavaForConditionalGeneration", "LlavaNextForConditionalGeneration", "MllamaForConditionalGeneration",
    "ModernBertForSequenceClassification", "ModernBertForTokenClassification", "ModernBertModel", "NomicBertModel",
    "Qwen2ForProcessRewardModel", "Qwen2ForRewardModel", "RobertaForMaskedLM", "RobertaForSequenceClassification",
    "RobertaForTokenClassification", "RobertaModel", "WhisperForConditionalGeneration",
    "XLMRobertaForSequenceClassification", "XLMRobertaForTokenClassification", "XLMRobertaModel",
)
# fmt: on

MODELLED = frozenset(
    [f"{name}ForCausalLM" for name in _DECODERS]
    + [f"{name}ForConditionalGeneration" for name in _WITH_IMAGES]
    + [f"{name}ForSequenceClassification" for name in ("Llama", "Qwen2", "Qwen3", "Mistral", "Gemma")]
    + [f"{name}Model" for name in ("Llama", "Qwen2", "Qwen3", "Mistral", "Gemma2", "Gemma3Text")]
    + list(_OTHERS)
)
"""Architectures whose matrices, layers and caches are modelled, as `architectures` of a config calls them."""

DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "gemma3_text": {
            "num_attention_heads": 8,
            "num_key_value_heads": 4,
            "head_dim": 256,
            "vocab_size": 262_208,
            "max_position_embeddings": 131_072,
        },
        "gemma3": {},
        "afmoe": {"attn_output_gate": True},  # `gate_proj` of its attention, as wide as the queries
        "mixtral": {"sliding_window": None},
    }
)
"""Fields that a family's config class fills in where its `config.json` leaves them out (transformers 4.57)."""


GENERATING_MODELS = ("InternVLChatModel", "ChatGLMModel", "GPT2LMHeadModel")
"""Architectures that generate although their name ends as that of an embedding model does."""


def task_of(architecture: str) -> str:
    """Return what a model does, from its architecture: `generate`, `embed`, `classify` or `transcribe`."""
    if architecture.startswith("Whisper"):
        return "transcribe"
    if architecture.endswith(("ForSequenceClassification", "ForTokenClassification", "RewardModel")):
        return "classify"
    if architecture.endswith(("Model", "ForMaskedLM")) and architecture not in GENERATING_MODELS:
        return "embed"
    return "generate"
