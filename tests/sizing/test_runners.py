"""What follows from the model runner that serves, and from what a trial run keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from modelyard import catalog
from modelyard.catalog import ModelShape
from modelyard.sizing import effective_settings
from modelyard.sizing.compressed_cache import block_bytes, compressed_request_bytes, tuples_of_a_group
from modelyard.sizing.encoder_profile import encoder_kept_gib, trial_items
from modelyard.sizing.engine_defaults import concurrent_batches
from modelyard.sizing.kv_cache import request_bytes
from modelyard.sizing.overheads import activation_gib, counts_gib, not_modelled
from modelyard.sizing.runners import runs_second_runner
from tests.sizing.deployments import LLAMA, QWEN, SMALL, device, shape
from tests.sizing.test_deployments import TABLE


def configured(name: str) -> ModelShape:
    """Return the shape of a model whose config lies beside the tests."""
    text = (TABLE["DEPLOYMENTS"] / "configs" / f"{name}.json").read_text()
    found = catalog.model_from_config(name, json.loads(text), "config.json").shape
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("version", "model", "second"),
    [
        ("0.21.0", QWEN, False),
        ("0.22.0", QWEN, True),
        ("0.22.0", LLAMA, False),
        ("0.23.0", LLAMA, False),  # its weights are stored in 8 bits
        ("0.24.0", LLAMA, True),
        ("0.25.1", "Qwen/Qwen3-30B-A3B", False),
        ("0.28.0", "Qwen/Qwen3-30B-A3B", False),
        ("0.29.0", "Qwen/Qwen3-30B-A3B", True),
    ],
)
def test_the_runner_follows_version_and_model(version: str, model: str, second: bool) -> None:
    found = effective_settings({}, version, shape(model), device("H100"))
    quantized = shape(model).quantization is not None
    assert found.second_runner is (second if version != "0.23.0" else not quantized)
    assert found.cuda_graphs_subtracted is (not found.second_runner or version == "0.29.0")
    assert not found.second_runner_asked


def test_a_runner_that_is_asked_for_is_said() -> None:
    asked = {"VLLM_USE_V2_MODEL_RUNNER": "1"}
    found = effective_settings({}, "0.21.0", shape(SMALL), device("L4"), environment=asked)
    assert found.second_runner and found.second_runner_asked
    refused = {"VLLM_USE_V2_MODEL_RUNNER": "0"}
    found = effective_settings({}, "0.33.0", shape(SMALL), device("L4"), environment=refused)
    assert not found.second_runner and not found.second_runner_asked


def test_embedding_models_ran_by_the_first_one() -> None:
    assert not runs_second_runner((0, 28, 0), shape(SMALL), pooling=True, asked=None)
    assert runs_second_runner((0, 29, 0), shape(SMALL), pooling=True, asked=None)


def test_the_second_runner_counts_the_tokens_of_each_request() -> None:
    second = effective_settings({"max-num-seqs": 1024}, "0.33.0", shape(QWEN), device("H100"))
    assert counts_gib(shape(QWEN), second) == pytest.approx(1024 * shape(QWEN).vocabulary * 4.125 / 2**30)
    assert counts_gib(shape(QWEN), replace(second, second_runner=False)) == 0


def test_what_the_second_runner_keeps_is_of_the_share_since_0_27() -> None:
    after = effective_settings({"max-num-seqs": 1024}, "0.33.0", shape(QWEN), device("H100"))
    before = replace(after, version=(0, 26, 0))
    counts = counts_gib(shape(QWEN), after)
    assert counts > 0.5
    assert activation_gib(shape(QWEN), after) - activation_gib(shape(QWEN), before) == pytest.approx(counts)


def test_the_second_runner_did_not_try_the_tower_before_0_27() -> None:
    asked = {"VLLM_USE_V2_MODEL_RUNNER": "1"}
    tower = configured("Qwen--Qwen3-VL-30B-A3B-Instruct")
    for version, tries in (("0.26.0", False), ("0.27.1", True)):
        found = effective_settings({}, version, tower, device("H100"), environment=asked)
        assert (trial_items(tower, found) is not None) is tries


def test_what_the_tower_made_is_kept_until_the_text_has_run() -> None:
    tower = configured("Qwen--Qwen3-VL-30B-A3B-Instruct")

    def kept(version: str) -> float:
        flags = {"max-num-batched-tokens": 16384}
        return encoder_kept_gib(tower, effective_settings(flags, version, tower, device("H100")))

    width = tower.hidden_size * 4 * 2 / 2**30  # the last layer and three before it, in 16 bits
    assert kept("0.13.0") == pytest.approx(16384 * width)
    # Time stamps made a video the largest item, which a batch then held none more of.
    assert kept("0.12.0") == pytest.approx(153600 * width)
    assert kept("0.11.0") == kept("0.12.0")


def test_windows_reach_over_two_batches_since_0_26() -> None:
    assert concurrent_batches((0, 25, 1), 1) == 1
    assert concurrent_batches((0, 26, 0), 1) == 2


def compressed(version: str = "0.23.0", **flags: Any) -> tuple[ModelShape, Any]:
    found = configured("deepseek-ai--DeepSeek-V4-Flash")
    asked = {"kv-cache-dtype": "fp8", "max-model-len": 262144, "max-num-batched-tokens": 8192}
    return found, effective_settings({**asked, **flags}, version, found, device("H200"))


def test_compressed_attention_keeps_vectors_keys_and_states() -> None:
    flash, used = compressed()
    assert flash.compressed == (21, 20) and tuples_of_a_group(flash) == 22
    assert block_bytes(flash) == 22 * 37440 + 21 * 8640 + 20 * 1728
    # 1,024 blocks of vectors, two groups of 131 of the last tokens, 2,051 and 1,041 of states.
    assert compressed_request_bytes(flash, used, 262144) == (1024 + 2 * 131 + 2051 + 1041) * 22 * 47808
    assert request_bytes(flash, used, 262144) == compressed_request_bytes(flash, used, 262144)
    assert not any("compressed" in part for part in not_modelled(flash, used))


@pytest.mark.parametrize(
    "flags",
    [
        {"kv-cache-dtype": "auto"},
        {"pipeline-parallel-size": 2},
        {"speculative-config": '{"method": "mtp", "num_speculative_tokens": 1}'},
    ],
)
def test_other_layouts_of_compressed_attention_are_named(flags: dict[str, Any]) -> None:
    flash, used = compressed(**flags)
    assert "the cache of compressed attention (compress_ratios)" in not_modelled(flash, used)
