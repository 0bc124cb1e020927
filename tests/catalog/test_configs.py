"""Shapes of this year's models: weights by matrix, layers by what they keep, and what is named as not modelled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelyard.catalog import LayerKind, ModelShape, model_from_config, shape_from_config
from modelyard.catalog.weight_parts import WeightPart
from modelyard.sizing import stored_weights_gib

CONFIGS = Path(__file__).resolve().parents[1] / "sizing" / "data" / "configs"
LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 256,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 1000,
    "max_position_embeddings": 128,
    "torch_dtype": "bfloat16",
}


def config(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((CONFIGS / f"{name}.json").read_text())
    return content


def bits(shape: ModelShape, part: WeightPart) -> float | None:
    """Return the mean bits of a part; None for the model's own type."""
    own = [each for each in shape.part_weights if each.part is part]
    if all(each.bits is None for each in own):
        return None
    return sum(each.parameters * (16 if each.bits is None else each.bits) for each in own) / sum(
        each.parameters for each in own
    )


@pytest.mark.parametrize(
    ("name", "billion"),
    [
        ("nvidia--Llama-3_3-Nemotron-Super-49B-v1", 49.9),
        ("nvidia--Nemotron-H-56B-Base-8K", 56.3),
        ("nvidia--NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", 31.6),
        ("Qwen--Qwen3.5-397B-A17B", 396.8),
        ("Qwen--Qwen3.5-35B-A3B", 35.1),
        ("google--gemma-4-26B-A4B", 25.8),
        ("meta-llama--Llama-4-Maverick-17B-128E-Instruct", 400.7),
        ("deepseek-ai--DeepSeek-V3.2", 671.9),
        ("moonshotai--Kimi-K2.5", 1026.9),
        ("XiaomiMiMo--MiMo-V2-Flash", 308.8),
    ],
)
def test_parameters_are_the_published_ones(name: str, billion: float) -> None:
    shape = shape_from_config(config(name))
    assert shape.parameters / 1e9 == pytest.approx(billion, rel=0.002)
    assert shape.unmodelled == ()


@pytest.mark.parametrize(
    ("name", "part", "expected"),
    [
        ("meta-llama--Llama-3.1-405B-Instruct-FP8", WeightPart.ATTENTION, None),
        ("meta-llama--Llama-3.1-405B-Instruct-FP8", WeightPart.MLP, (124 * 8 + 2 * 16) / 126),
        ("nvidia--Gemma-4-31B-IT-NVFP4", WeightPart.ATTENTION, None),
        ("nvidia--Gemma-4-31B-IT-NVFP4", WeightPart.MLP, 4.5),
        ("moonshotai--Kimi-K2.5", WeightPart.SHARED_EXPERTS, None),
        ("moonshotai--Kimi-K2.5", WeightPart.EXPERTS, 4.5),
        ("nvidia--Qwen3.6-27B-NVFP4", WeightPart.HEAD, 4.5),
        ("nvidia--Qwen3.6-27B-NVFP4", WeightPart.ATTENTION, 8.0),
        ("RedHatAI--Qwen3.6-35B-A3B-NVFP4", WeightPart.RECURRENT, None),
        ("openai--gpt-oss-20b", WeightPart.ATTENTION, None),
        ("openai--gpt-oss-20b", WeightPart.EXPERTS, 4.25),
        ("Intel--Llama-3.3-70B-Instruct-int4-AutoRound", WeightPart.MLP, 4.125),
        ("amd--Llama-3.3-70B-Instruct-MXFP4-quark", WeightPart.MLP, 4.25),
        ("unsloth--Llama-3.3-70B-Instruct-bnb-4bit", WeightPart.MLP, 4.5),
        ("unsloth--Llama-3.3-70B-Instruct-bnb-4bit", WeightPart.HEAD, None),
    ],
)
def test_lists_of_what_is_not_quantised_are_read(name: str, part: WeightPart, expected: float | None) -> None:
    found = bits(shape_from_config(config(name)), part)
    assert found == (pytest.approx(expected, rel=1e-6) if expected is not None else None)


@pytest.mark.parametrize(
    ("stored", "attention", "mlp"),
    [
        ({"quant_method": "awq", "bits": 4, "group_size": 128, "modules_to_not_convert": ["self_attn"]}, None, 4.15625),
        ({"quant_method": "gptq", "bits": 4, "group_size": 128, "dynamic": {"-:.*mlp.*": {}}}, 4.15625, None),
        (
            {"quant_method": "gptq", "bits": 4, "group_size": 128, "dynamic": {"+:.*mlp.*": {"bits": 8}}},
            4.15625,
            8 + 24 / 128,
        ),
        (
            {
                "quant_method": "gptq",
                "bits": 4,
                "group_size": 128,
                "modules_in_block_to_quantize": [["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]],
            },
            (4.15625 * 2 + 16) / 3,
            None,
        ),
        (
            {"quant_method": "auto-round", "bits": 4, "group_size": 128, "extra_config": {".*mlp.*": {"bits": 16}}},
            4.125,
            None,
        ),
        (
            {"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp8_e4m3"}}, "exclude": ["*mlp*"]},
            8,
            None,
        ),
        ({"quant_method": "fp8", "ignored_layers": ["model.layers.0.mlp.gate_up_proj"]}, 8, None),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True, "llm_int8_skip_modules": ["mlp"]}, 8, None),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {
                    "a": {"targets": ["re:.*self_attn.*"], "weights": {"num_bits": 8, "type": "float"}},
                    "b": {"targets": ["Linear"], "weights": {"num_bits": 4, "type": "int", "group_size": 128}},
                },
            },
            8,
            4.125,
        ),
    ],
)
def test_every_schemes_own_way_to_leave_out_is_read(
    stored: dict[str, Any], attention: float | None, mlp: float | None
) -> None:
    shape = shape_from_config({**LLAMA, "quantization_config": stored})
    found = bits(shape, WeightPart.ATTENTION), bits(shape, WeightPart.MLP)
    if stored["quant_method"] == "fp8":
        # One layer of four, of which two matrices of three stay in 16 bits.
        assert found == pytest.approx((8, 8 + 8 * 2 / 12))
        return
    expected = tuple(None if each is None else pytest.approx(each) for each in (attention, mlp))
    assert found == expected


@pytest.mark.parametrize("method", ["exl2", "hqq", "torchao", "aqlm", "gguf", ""])
def test_a_scheme_that_is_not_modelled_is_named(method: str) -> None:
    shape = shape_from_config({**LLAMA, "quantization_config": {"quant_method": method, "bits": 4}})
    assert shape.unknown_weights == (f"quantisation {method or 'without a method'}",)


def test_patterns_of_a_config_are_followed_in_linear_time() -> None:
    never = {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 8}}}}
    endless = shape_from_config({**LLAMA, "quantization_config": {**never, "ignore": ["re:([a-z._0-9]+)+![x]"]}})
    assert endless.unknown_weights == ()
    for unreadable in ("re:(", "re:(?=model)x"):
        shape = shape_from_config({**LLAMA, "quantization_config": {**never, "ignore": [unreadable]}})
        assert "fields that it does not write" in shape.unknown_weights[0]


def test_an_architecture_that_is_not_modelled_is_named() -> None:
    shape = shape_from_config({**LLAMA, "architectures": ["Step3p7ForConditionalGeneration"]})
    assert shape.unknown_weights == ("architecture Step3p7ForConditionalGeneration",)


@pytest.mark.parametrize(
    ("name", "billions", "weights"),
    [("deepseek-ai--DeepSeek-V4-Flash", 284, 145), ("moonshotai--Kimi-K3", 2780, 1447)],
)
def test_weights_of_this_years_largest_models_are_counted(name: str, billions: int, weights: int) -> None:
    shape = shape_from_config(config(name))
    assert shape.unknown_weights == ()
    assert (round(shape.parameters / 1e9), round(stored_weights_gib(shape))) == (billions, weights)


def test_compressed_attention_by_ratios_that_are_not_known_is_named() -> None:
    known = config("deepseek-ai--DeepSeek-V4-Flash")
    assert shape_from_config(known).unmodelled == ()
    assert all(shape_from_config(known).compressed)
    other = {**known, "compress_ratios": [3] * len(known["compress_ratios"])}
    assert shape_from_config(other).unmodelled == ("the cache of compressed attention (compress_ratios)",)


@pytest.mark.parametrize(
    ("scheme", "named"),
    [
        ({"quant_method": "compressed-tensors", "kv_cache_scheme": {"num_bits": 8, "type": "float"}}, "fp8"),
        ({"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}, "fp8_e4m3"),
        (
            {"quant_method": "modelopt", "quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "NVFP4"}},
            "nvfp4",
        ),
        ({"quant_method": "fp8"}, ""),
    ],
)
def test_the_type_of_the_cache_that_a_checkpoint_names_is_kept(scheme: dict[str, Any], named: str) -> None:
    groups = {"config_groups": {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 8, "type": "float"}}}}
    assert shape_from_config({**LLAMA, "quantization_config": {**groups, **scheme}}).kv_cache_dtype == named


def test_modules_that_a_quantisation_lists_by_other_names_are_found_or_named() -> None:
    experts = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 1024}
    mixture = {**LLAMA, "architectures": ["MixtralForCausalLM"], "model_type": "mixtral", **experts}
    layers = range(mixture["num_hidden_layers"])

    def listed(module: str) -> Any:
        names = [f"model.layers.{at}.{module}.{part}" for at in layers for part in ("w1", "w2", "w3")]
        stored = {"quant_method": "modelopt", "quantized_layers": {name: {"quant_algo": "NVFP4"} for name in names}}
        return shape_from_config({**mixture, "quantization_config": stored})

    found = next(part for part in listed("block_sparse_moe.experts.7").part_weights if part.part == "experts")
    assert found.bits == 4.5
    assert listed("strange.experts.7").unknown_weights[0].startswith("quantisation of modules that are not known")


def test_a_name_that_promises_a_scheme_that_the_config_lacks_is_no_16_bit_model() -> None:
    entry = model_from_config("acme/chat-7b-NVFP4", LLAMA, "config.json")
    assert entry.shape is not None and "quantisation NVFP4" in entry.shape.unknown_weights[0]
    assert model_from_config("acme/chat-7b", LLAMA, "config.json").shape == shape_from_config(LLAMA)


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"attn_layer_period": 4, "attn_layer_offset": 1, "mamba_d_state": 8, "mamba_dt_rank": 4}, (1, 3)),
        ({"full_attention_interval": 2, **dict.fromkeys(("linear_num_value_heads", "linear_num_key_heads"), 2),
          **dict.fromkeys(("linear_key_head_dim", "linear_value_head_dim"), 16)}, (2, 2)),
        ({"attn_type_list": [0, 0, 0, 1]}, (1, 3)),
        ({"full_attn_idxs": [1], "conv_L_cache": 3}, (1, 3)),
    ],
)  # fmt: skip
def test_recurrent_layers_are_told_from_others(changes: dict[str, Any], kinds: tuple[int, int]) -> None:
    shape = shape_from_config({**LLAMA, **changes})
    counted = {group.kind: group.layers for group in shape.layer_groups}
    assert (counted[LayerKind.FULL], counted[LayerKind.RECURRENT]) == kinds
    assert shape.recurrence is not None and shape.unmodelled == ()
    assert any(each.part is WeightPart.RECURRENT for each in shape.weights)


def test_experts_may_come_in_a_period() -> None:
    sparse = {"num_experts": 4, "expert_layer_period": 2, "expert_layer_offset": 1}
    shape = shape_from_config({**LLAMA, **sparse})
    assert shape.experts is not None and shape.experts.layers == 2
    rarer = shape_from_config({**LLAMA, **sparse, "expert_layer_period": 4})
    assert rarer.experts is not None and rarer.experts.layers == 1


def test_a_shape_with_all_its_parts_survives_a_file() -> None:
    from modelyard.catalog import model_from_mapping, model_to_mapping

    entry = model_from_config("nvidia/Qwen3.6-27B-NVFP4", config("nvidia--Qwen3.6-27B-NVFP4"), "config.json")
    assert entry.shape is not None and entry.shape.recurrence is not None and entry.shape.encoder is not None
    assert model_from_mapping(model_to_mapping(entry)) == entry


def test_modelopts_own_file_beside_the_config_is_read(tmp_path: Path) -> None:
    from modelyard.cli.catalog import _read

    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    stored = {"quantization": {"quant_algo": "NVFP4", "exclude_modules": ["lm_head", "model.layers.0.self_attn*"]}}
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(stored))
    shape = shape_from_config(_read(tmp_path / "config.json"))
    assert bits(shape, WeightPart.MLP) == 4.5
    assert bits(shape, WeightPart.ATTENTION) == pytest.approx((3 * 4.5 + 16) / 4)


@pytest.mark.parametrize(
    ("changes", "values"),
    [
        ({}, 128 * 16),
        ({"partial_rotary_factor": 0.5}, 128 * 8),
        ({"rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128}}, 512 * 16),
        # Positions of time, height and width are kept four times over.
        ({"rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}}, 4 * 128 * 16),
        ({"kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 12, "v_head_dim": 16}, 128 * 4),
        ({"position_embedding_type": "nope"}, 0),
    ],
)
def test_tables_of_rotary_positions_are_whole(changes: dict[str, Any], values: int) -> None:
    assert shape_from_config({**LLAMA, **changes}).rotary_values == values


def test_windows_have_a_table_of_their_own_where_their_base_differs() -> None:
    gemma = shape_from_config(config("google--gemma-3-27b-it"))
    assert gemma.rotary_values == 2 * 131072 * 128
