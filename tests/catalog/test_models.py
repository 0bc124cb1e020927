"""The models of the catalogue and shapes read from config.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydantic
import pytest

from modelyard import catalog
from modelyard.catalog.loading import DATA, read_yaml
from modelyard.findings import UserError

FOLDERS = sorted((DATA / "models").iterdir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_entry_is_sound(folder: Path) -> None:
    raw = read_yaml(folder / "model.yaml")
    entry = catalog.model(raw["id"])
    assert entry is not None, "the folder must be named after the id, with the slash as two dashes"
    assert entry.sources or not entry.is_verified("parameters-billion"), "a verified figure needs a source"
    assert catalog.model_to_mapping(entry) == raw, "write the file as modelyard catalog add would"
    assert repr(entry) == repr(catalog.model_from_mapping(raw)), "what is shipped is read as what a team writes"
    known = set(catalog.Model.__dataclass_fields__) | {
        f"shape.{name}" for name in catalog.ModelShape.__dataclass_fields__
    }
    unknown = [name for name in entry.unverified if name.replace("-", "_") not in known]
    assert not unknown, f"unverified names fields that no entry has: {unknown}"
    shape = entry.shape
    if shape is not None:
        assert sum(group.layers for group in shape.layer_groups) == shape.layers
        if entry.parameters_billion is not None:
            assert shape.parameters / 1e9 == pytest.approx(entry.parameters_billion, rel=0.01)
    vllm = catalog.engine("vllm", "0.33.0")
    assert vllm is not None
    assert entry.tool_call_parser in (None, *vllm.tool_call_parsers)
    assert entry.reasoning_parser in (None, *vllm.reasoning_parsers)


def test_models_are_found_by_exact_id() -> None:
    assert catalog.model("qwen/qwen3-1.7b") is None
    assert catalog.model("Qwen/Qwen3-99B") is None
    assert len(catalog.models()) == len(FOLDERS)


def test_an_unverified_field_is_known_as_such() -> None:
    entry = catalog.model("Qwen/Qwen3-1.7B")
    assert entry is not None
    assert entry.is_verified("shape.layers") and not entry.is_verified("chat-template")


def test_a_misspelt_field_is_refused() -> None:
    with pytest.raises(pydantic.ValidationError, match="licence"):
        catalog.model_from_mapping({"id": "a/b", "family": "llm", "licence": "mit", "sources": ["x"]})


QWEN3 = {
    "architectures": ["Qwen3ForCausalLM"],
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 40960,
    "vocab_size": 151936,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "sliding_window": None,
    "use_sliding_window": False,
}


def test_an_entry_made_from_a_config_can_be_kept_in_a_folder(tmp_path: Path) -> None:
    entry = catalog.model_from_config("me/mine", QWEN3, "config.json at revision 0123abc")
    assert entry.unverified == ("license", "parameters-billion") and entry.parameters_billion == 1.72
    folder = tmp_path / catalog.folder_name(entry.id)
    folder.mkdir()
    (folder / "model.yaml").write_text(catalog.model_text(entry))
    assert catalog.models_in(tmp_path) == {"me/mine": entry}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id: a/b\nfamily: llm\nlicence: mit\nsources: [x]\n", "licence"),
        ("id: [\n", "is not YAML"),
        ("- 1\n", "is no model"),
        (
            "id: a/b\nfamily: llm\nlicense: mit\nsources: [x]\nshape: {architecture: A, layers: 1000000000000, "
            "hidden-size: 8, attention-heads: 1, key-value-heads: 1, head-dim: 8, vocabulary: 8}\n",
            "layers is 1000000000000, expected 1 to 1000",
        ),
    ],
)
def test_a_damaged_entry_of_ones_own_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "model.yaml").write_text(text)
    with pytest.raises(UserError, match=message) as refused:
        catalog.models_in(tmp_path)
    assert refused.value.at is not None and refused.value.at.place().file.endswith("a/model.yaml")


def changed(**fields: Any) -> dict[str, Any]:
    return {**QWEN3, **fields}


def test_a_config_gives_the_catalogues_shape() -> None:
    entry = catalog.model("Qwen/Qwen3-1.7B")
    assert entry is not None
    assert catalog.shape_from_config(json.loads(json.dumps(QWEN3))) == entry.shape


def test_layer_types_windows_and_experts_are_read() -> None:
    kinds = ["sliding_attention", "full_attention"] * 12
    config = changed(
        architectures=["GptOssForCausalLM"],
        num_hidden_layers=24,
        layer_types=kinds,
        sliding_window=128,
        use_sliding_window=True,
        num_local_experts=32,
        num_experts_per_tok=4,
        intermediate_size=2880,
        quantization_config={"quant_method": "mxfp4"},
    )
    shape = catalog.shape_from_config(config)
    assert shape.layer_groups == (
        catalog.LayerGroup(catalog.LayerKind.FULL, 12),
        catalog.LayerGroup(catalog.LayerKind.SLIDING, 12, 128),
    )
    assert shape.experts is not None and (shape.experts.count, shape.experts.layers) == (32, 24)
    assert shape.quantization == catalog.Quantization("mxfp4", 4.25, catalog.QuantizedPart.EXPERTS)


def test_latent_attention_and_dense_layers_first_are_read() -> None:
    entry = catalog.model("deepseek-ai/DeepSeek-V3")
    assert entry is not None and entry.shape is not None
    shape = catalog.shape_from_config(
        {
            "architectures": ["DeepseekV3ForCausalLM"],
            "hidden_size": 7168,
            "intermediate_size": 18432,
            "moe_intermediate_size": 2048,
            "num_hidden_layers": 61,
            "num_attention_heads": 128,
            "num_key_value_heads": 128,
            "head_dim": 56,
            "n_routed_experts": 256,
            "n_shared_experts": 1,
            "num_experts_per_tok": 8,
            "first_k_dense_replace": 3,
            "moe_layer_freq": 1,
            "kv_lora_rank": 512,
            "q_lora_rank": 1536,
            "qk_rope_head_dim": 64,
            "qk_nope_head_dim": 128,
            "v_head_dim": 128,
            "max_position_embeddings": 163840,
            "vocab_size": 129280,
            "tie_word_embeddings": False,
            "torch_dtype": "bfloat16",
            "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
        }
    )
    assert shape.latent_attention == entry.shape.latent_attention
    assert shape.experts == entry.shape.experts
    assert shape.parameters == entry.shape.parameters


@pytest.mark.parametrize(
    ("stored", "method", "bits"),
    [
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, "awq", 4.15625),
        ({"quant_method": "gptq", "bits": 4, "group_size": 128}, "gptq", 4.15625),
        ({"quant_method": "fp8"}, "fp8", 8.0),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4", 4.5),
        (
            {"quant_method": "compressed-tensors", "config_groups": {"0": {"weights": {"num_bits": 8, "type": "int"}}}},
            "compressed-tensors",
            8.0,
        ),
    ],
)
def test_quantisations_are_read(stored: dict[str, Any], method: str, bits: float) -> None:
    shape = catalog.shape_from_config(changed(quantization_config=stored))
    assert shape.quantization is not None
    assert (shape.quantization.method, shape.quantization.bits) == (method, bits)


def test_what_a_shape_does_not_tell_is_named() -> None:
    hybrid = catalog.shape_from_config(changed(layer_types=["linear_attention"] * 21 + ["full_attention"] * 7))
    assert "weights and state of recurrent layers" in hybrid.unmodelled
    outside = {"text_config": QWEN3, "vision_config": {"depth": 2}, "architectures": ["Qwen3ForCausalLM"]}
    seeing = catalog.shape_from_config(outside)
    assert seeing.unmodelled == ("vision tower",) and seeing.encoder_parameters is None
    unheard = catalog.shape_from_config(changed(architectures=["TotallyNewForCausalLM"]))
    assert unheard.unmodelled == ("architecture TotallyNewForCausalLM",) == unheard.unknown_weights
    strange = catalog.shape_from_config(changed(quantization_config={"quant_method": "exl2"}))
    assert strange.unmodelled == ("quantisation exl2",)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"num_hidden_layers": 10**12}, "num_hidden_layers"),
        ({"num_attention_heads": 0}, "num_attention_heads"),
        ({"vocab_size": "many"}, "vocab_size"),
        ({"hidden_size": None}, "hidden_size"),
        ({"num_key_value_heads": True}, "num_key_value_heads"),
        ({"text_config": 3}, "text_config"),
    ],
)
def test_absurd_configs_are_refused_by_name(fields: dict[str, Any], names: str) -> None:
    with pytest.raises(UserError, match=names):
        catalog.shape_from_config(changed(**fields))


def test_the_catalogue_imports_no_pydantic_until_a_model_is_read() -> None:
    import subprocess
    import sys

    code = "import sys, modelyard.catalog as c; c.device('H100'); assert 'pydantic' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


XLM_ROBERTA = {
    "architectures": ["XLMRobertaModel"],
    "model_type": "xlm-roberta",
    "dtype": "float32",
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "max_position_embeddings": 8194,
    "num_attention_heads": 16,
    "num_hidden_layers": 24,
    "pad_token_id": 1,
    "vocab_size": 250002,
}
WHISPER = {
    "architectures": ["WhisperForConditionalGeneration"],
    "model_type": "whisper",
    "torch_dtype": "float16",
    "d_model": 1280,
    "decoder_attention_heads": 20,
    "decoder_ffn_dim": 5120,
    "decoder_layers": 32,
    "encoder_attention_heads": 20,
    "encoder_ffn_dim": 5120,
    "encoder_layers": 32,
    "max_source_positions": 1500,
    "max_target_positions": 448,
    "num_mel_bins": 128,
    "vocab_size": 51866,
}


@pytest.mark.parametrize(("config", "model_id"), [(XLM_ROBERTA, "BAAI/bge-m3"), (WHISPER, "openai/whisper-large-v3")])
def test_models_with_an_encoder_are_read_from_their_config(config: dict[str, Any], model_id: str) -> None:
    entry = catalog.model(model_id)
    assert entry is not None and catalog.shape_from_config(config) == entry.shape


@pytest.mark.parametrize("missing", ["d_model", "decoder_layers", "max_source_positions", "num_mel_bins"])
def test_a_speech_model_without_a_field_is_refused_by_its_name(missing: str) -> None:
    with pytest.raises(UserError, match=f"config.json has no {missing}"):
        catalog.shape_from_config({key: value for key, value in WHISPER.items() if key != missing})
