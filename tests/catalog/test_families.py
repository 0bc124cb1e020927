"""Families whose config says in its own words what others say in the usual ones: parameters, caches and layers."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.catalog import LayerKind, shape_from_config

# Fields as the models' own config.json have them, and the parameters in billions that their pages tell.
# fmt: off
PUBLISHED: dict[str, tuple[float, str, dict[str, Any]]] = {
    "OPT 6.7B": (6.7, "OPTForCausalLM", {
        "model_type": "opt", "hidden_size": 4096, "ffn_dim": 16384, "num_hidden_layers": 32, "num_attention_heads": 32,
        "word_embed_proj_dim": 4096, "vocab_size": 50272, "max_position_embeddings": 2048}),
    "OPT 350M": (0.331, "OPTForCausalLM", {
        "model_type": "opt", "hidden_size": 1024, "ffn_dim": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
        "word_embed_proj_dim": 512, "vocab_size": 50272, "max_position_embeddings": 2048}),
    "GPT-2": (0.124, "GPT2LMHeadModel", {
        "model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024, "vocab_size": 50257}),
    "StarCoder": (15.5, "GPTBigCodeForCausalLM", {
        "model_type": "gpt_bigcode", "n_embd": 6144, "n_layer": 40, "n_head": 48, "n_inner": 24576,
        "n_positions": 8192, "vocab_size": 49152, "multi_query": True}),
    "GPT-J": (6.05, "GPTJForCausalLM", {
        "model_type": "gptj", "n_embd": 4096, "n_layer": 28, "n_head": 16, "rotary_dim": 64, "n_positions": 2048,
        "vocab_size": 50400, "tie_word_embeddings": False}),
    "BLOOM 7.1B": (7.07, "BloomForCausalLM", {
        "model_type": "bloom", "n_embed": 4096, "n_layer": 30, "num_attention_heads": 32, "vocab_size": 250880}),
    "Falcon 7B": (6.92, "FalconForCausalLM", {
        "model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32, "num_attention_heads": 71,
        "multi_query": True, "vocab_size": 65024}),
    "Falcon 40B": (41.3, "FalconForCausalLM", {
        "model_type": "falcon", "hidden_size": 8192, "num_hidden_layers": 60, "num_attention_heads": 128,
        "num_kv_heads": 8, "new_decoder_architecture": True, "vocab_size": 65024}),
    "MPT 7B": (6.65, "MPTForCausalLM", {
        "model_type": "mpt", "d_model": 4096, "n_layers": 32, "n_heads": 32, "expansion_ratio": 4, "max_seq_len": 2048,
        "vocab_size": 50432}),
    "DBRX": (132, "DbrxForCausalLM", {
        "model_type": "dbrx", "d_model": 6144, "n_layers": 40, "n_heads": 48, "max_seq_len": 32768,
        "vocab_size": 100352, "attn_config": {"kv_n_heads": 8}, "tie_word_embeddings": False,
        "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4}}),
    "GLM-4 9B": (9.4, "ChatGLMModel", {
        "model_type": "chatglm", "hidden_size": 4096, "num_layers": 40, "num_attention_heads": 32,
        "ffn_hidden_size": 13696, "kv_channels": 128, "multi_query_attention": True, "multi_query_group_num": 2,
        "padded_vocab_size": 151552, "seq_length": 131072, "tie_word_embeddings": False}),
    "EXAONE 3.0 7.8B": (7.82, "ExaoneForCausalLM", {
        "model_type": "exaone", "hidden_size": 4096, "num_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 102400, "max_position_embeddings": 4096}),
    "K-EXAONE": (236, "ExaoneMoEForCausalLM", {
        "model_type": "exaone_moe", "hidden_size": 6144, "num_hidden_layers": 48, "num_attention_heads": 64,
        "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 18432, "moe_intermediate_size": 2048,
        "num_experts": 128, "num_experts_per_tok": 8, "num_shared_experts": 1, "sliding_window": 128,
        "is_moe_layer": [False] + [True] * 47, "vocab_size": 153600, "max_position_embeddings": 262144,
        "layer_types": (["sliding_attention"] * 3 + ["full_attention"]) * 12}),
    "Step 3.5 Flash": (196.6, "Step3p5ForCausalLM", {
        "model_type": "step3p5", "hidden_size": 4096, "num_hidden_layers": 45, "num_attention_heads": 64,
        "num_attention_groups": 8, "head_dim": 128, "intermediate_size": 11264, "moe_intermediate_size": 1280,
        "moe_num_experts": 288, "moe_top_k": 8, "share_expert_dim": 1280, "sliding_window": 512,
        "moe_layers_enum": ",".join(map(str, range(3, 45))), "vocab_size": 128896, "max_position_embeddings": 262144,
        "attention_other_setting": {"num_attention_heads": 96, "num_attention_groups": 8, "head_dim": 128},
        "layer_types": (["full_attention"] + ["sliding_attention"] * 3) * 12}),
    "Apertus 8B": (8.05, "ApertusForCausalLM", {
        "model_type": "apertus", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 8, "intermediate_size": 21504, "hidden_act": "xielu", "vocab_size": 131072,
        "max_position_embeddings": 65536}),
    "Trinity Mini": (26.1, "AfmoeForCausalLM", {
        "model_type": "afmoe", "hidden_size": 2048, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 4, "head_dim": 128, "intermediate_size": 6144, "moe_intermediate_size": 1024,
        "num_experts": 128, "num_experts_per_tok": 8, "num_shared_experts": 1, "num_dense_layers": 2,
        "sliding_window": 2048, "layer_types": (["sliding_attention"] * 3 + ["full_attention"]) * 8,
        "vocab_size": 200192, "max_position_embeddings": 131072}),
    "Ling mini 2.0": (16.3, "BailingMoeV2ForCausalLM", {
        "model_type": "bailing_moe", "hidden_size": 2048, "num_hidden_layers": 20, "num_attention_heads": 16,
        "num_key_value_heads": 4, "head_dim": 128, "intermediate_size": 5120, "moe_intermediate_size": 512,
        "num_experts": 256, "num_experts_per_tok": 8, "num_shared_experts": 1, "first_k_dense_replace": 1,
        "vocab_size": 157184, "max_position_embeddings": 32768}),
    "Hunyuan A13B": (80.4, "HunYuanMoEV1ForCausalLM", {
        "model_type": "hunyuan_v1_moe", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 3072, "moe_intermediate_size": [3072] * 32,
        "num_experts": 64, "moe_topk": [8] * 32, "num_shared_expert": [1] * 32, "use_mixed_mlp_moe": True,
        "vocab_size": 128167, "tie_word_embeddings": True, "max_position_embeddings": 32768}),
    "DeepSeek MoE 16B": (16.4, "DeepseekForCausalLM", {
        "model_type": "deepseek", "hidden_size": 2048, "num_hidden_layers": 28, "num_attention_heads": 16,
        "num_key_value_heads": 16, "intermediate_size": 10944, "moe_intermediate_size": 1408, "n_routed_experts": 64,
        "n_shared_experts": 2, "num_experts_per_tok": 6, "first_k_dense_replace": 1, "moe_layer_freq": 1,
        "vocab_size": 102400, "max_position_embeddings": 4096}),
    "Phi 3.5 MoE": (41.9, "PhiMoEForCausalLM", {
        "model_type": "phimoe", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 8, "intermediate_size": 6400, "num_local_experts": 16, "num_experts_per_tok": 2,
        "vocab_size": 32064, "max_position_embeddings": 131072}),
    "FlexOlmo 7x7B": (33.3, "FlexOlmoForCausalLM", {
        "model_type": "flex_olmo", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
        "intermediate_size": 11008, "num_experts": 7, "num_experts_per_tok": 5, "vocab_size": 100352,
        "max_position_embeddings": 4096}),
    "MiniMax M1": (456, "MiniMaxM1ForCausalLM", {
        "model_type": "minimax_m1", "hidden_size": 6144, "num_hidden_layers": 80, "num_attention_heads": 64,
        "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 9216, "num_local_experts": 32,
        "num_experts_per_tok": 2, "attn_type_list": ([0] * 7 + [1]) * 10, "vocab_size": 200064,
        "max_position_embeddings": 10240000}),
    "Falcon H1 34B": (33.6, "FalconH1ForCausalLM", {
        "model_type": "falcon_h1", "hidden_size": 5120, "num_hidden_layers": 72, "num_attention_heads": 20,
        "num_key_value_heads": 4, "head_dim": 128, "intermediate_size": 21504, "mamba_d_ssm": 4096,
        "mamba_n_heads": 32, "mamba_d_head": 128, "mamba_n_groups": 2, "mamba_d_state": 256, "mamba_d_conv": 4,
        "vocab_size": 261120, "max_position_embeddings": 262144}),
    "MiniCPM 2B": (2.72, "MiniCPMForCausalLM", {
        "model_type": "minicpm", "hidden_size": 2304, "num_hidden_layers": 40, "num_attention_heads": 36,
        "num_key_value_heads": 36, "intermediate_size": 5760, "vocab_size": 122753, "max_position_embeddings": 4096}),
    "Baichuan 2 7B": (7.5, "BaichuanForCausalLM", {
        "model_type": "baichuan", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
        "intermediate_size": 11008, "vocab_size": 125696, "max_position_embeddings": 4096}),
    "Solar Pro": (22.1, "SolarForCausalLM", {
        "model_type": "solar", "hidden_size": 5120, "num_hidden_layers": 64, "num_attention_heads": 40,
        "num_key_value_heads": 10, "intermediate_size": 17920, "vocab_size": 32128, "max_position_embeddings": 4096}),
    "ModernBERT base": (0.149, "ModernBertModel", {
        "model_type": "modernbert", "hidden_size": 768, "num_hidden_layers": 22, "num_attention_heads": 12,
        "intermediate_size": 1152, "vocab_size": 50368, "max_position_embeddings": 8192}),
    "Nomic Embed 1.5": (0.137, "NomicBertModel", {
        "model_type": "nomic_bert", "n_embd": 768, "n_layer": 12, "n_head": 12, "n_inner": 3072, "n_positions": 8192,
        "activation_function": "swiglu", "vocab_size": 30528}),
}
# fmt: on


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_the_published_ones(name: str) -> None:
    billion, architecture, fields = PUBLISHED[name]
    shape = shape_from_config({"architectures": [architecture], "torch_dtype": "bfloat16", **fields})
    assert not shape.unmodelled
    assert sum(part.parameters for part in shape.part_weights) / 1e9 == pytest.approx(billion, rel=0.02)


def read(name: str) -> Any:
    _, architecture, fields = PUBLISHED[name]
    return shape_from_config({"architectures": [architecture], "torch_dtype": "bfloat16", **fields})


@pytest.mark.parametrize(
    ("name", "heads"),
    [("Falcon 7B", 1), ("Falcon 40B", 8), ("StarCoder", 1), ("GLM-4 9B", 2), ("DBRX", 8), ("OPT 6.7B", 32)],
)
def test_heads_of_the_cache(name: str, heads: int) -> None:
    assert read(name).key_value_heads == heads


def test_a_layer_with_attention_beside_a_recurrence_keeps_both() -> None:
    kinds = {group.kind: group.layers for group in read("Falcon H1 34B").groups}
    assert kinds == {LayerKind.FULL: 72, LayerKind.RECURRENT: 72}


def test_lists_that_go_on_for_further_tokens_are_cut() -> None:
    kinds = {group.kind: group.layers for group in read("Step 3.5 Flash").groups}
    assert kinds == {LayerKind.FULL: 12, LayerKind.SLIDING: 33}


@pytest.mark.parametrize("name", ["ModernBERT base", "Nomic Embed 1.5"])
def test_encoders_keep_no_cache(name: str) -> None:
    assert [group.kind for group in read(name).groups] == [LayerKind.ENCODER]


def test_experts_of_an_encoder_are_named() -> None:
    _, architecture, fields = PUBLISHED["Nomic Embed 1.5"]
    shape = shape_from_config({"architectures": [architecture], **fields, "num_experts": 8, "moe_every_n_layers": 2})
    assert "moe_every_n_layers" in " ".join(shape.unmodelled)
