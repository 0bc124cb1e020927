"""Weights and cache of a rank, for each kind of model and of parallelism."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modelyard.catalog import Quantization
from modelyard.sizing import (
    FitVerdict,
    assess,
    bytes_per_token,
    largest_length,
    legal_tensor_parallel_sizes,
    rank_weights,
    request_bytes,
    stage_layers,
    stored_weights_gib,
    tensor_parallel_problem,
)
from modelyard.sizing.overheads import GIB
from tests.sizing.deployments import DEEPSEEK, GEMMA, LLAMA, OSS, QWEN, SCOUT, SMALL, device, settings, shape


def weights_gib(model: str, on: str = "H100", **flags: Any) -> float:
    return rank_weights(shape(model), settings(model, on, **flags), device(on)).total / GIB


@pytest.mark.parametrize(
    ("model", "gib"),
    [(LLAMA, 14.96), (QWEN, 61.02), (SMALL, 3.20), ("meta-llama/Llama-3.3-70B-Instruct", 131.41), (DEEPSEEK, 626.7)],
)
def test_weights_of_one_rank_are_the_models(model: str, gib: float) -> None:
    assert weights_gib(model) == pytest.approx(gib, rel=0.005)


def test_tensor_parallelism_shares_weights_but_repeats_key_value_heads() -> None:
    assert weights_gib(QWEN, tensor_parallel_size=8) == pytest.approx(
        weights_gib(QWEN) / 8, abs=0.01
    )  # tables are whole
    sixteen = weights_gib(QWEN, tensor_parallel_size=16)
    assert sixteen > weights_gib(QWEN) / 16 * 1.01, "8 key-value heads are on 16 ranks twice"


def test_pipeline_stages_share_layers_and_the_rest_goes_to_inner_stages() -> None:
    assert stage_layers(61, 4) == (15, 15, 16, 15)
    assert stage_layers(62, 4) == (15, 16, 16, 15)
    assert stage_layers(64, 1) == (64,)
    model = shape(QWEN)
    split = settings(QWEN, pipeline_parallel_size=2)
    stages = [rank_weights(model, split, device("H100"), stage).total for stage in (0, 1)]
    one = rank_weights(model, settings(QWEN), device("H100"))
    assert sum(stages) == pytest.approx(one.total + one.tables), "each stage has its own table of positions"


def test_experts_are_placed_whole_with_expert_parallelism_and_shared_without() -> None:
    model = shape("Qwen/Qwen3-30B-A3B")
    shared = rank_weights(model, settings("Qwen/Qwen3-30B-A3B", tensor_parallel_size=4), device("H100"))
    whole = rank_weights(
        model, settings("Qwen/Qwen3-30B-A3B", tensor_parallel_size=4, enable_expert_parallel=True), device("H100")
    )
    assert shared.experts == pytest.approx(whole.experts)
    spread = rank_weights(
        model,
        settings("Qwen/Qwen3-30B-A3B", data_parallel_size=4, enable_expert_parallel=True),
        device("H100"),
    )
    assert spread.experts == pytest.approx(whole.experts)
    assert spread.attention == pytest.approx(4 * whole.attention), "copies repeat attention"


@pytest.mark.parametrize(
    ("on", "version", "gib"), [("H100", "0.33.0", 13.45), ("A10G", "0.33.0", 13.67), ("A10G", "0.10.0", 12.82)]
)
def test_mxfp4_experts_are_padded_as_the_devices_kernel_needs(on: str, version: str, gib: float) -> None:
    found = rank_weights(shape(OSS), settings(OSS, on, version), device(on))
    assert found.total / GIB == pytest.approx(gib, abs=0.01)


@pytest.mark.parametrize(
    ("stored", "share"),
    [
        (Quantization("fp8", 8.0), 0.5),
        (Quantization("awq", 4.15625), 0.26),
        (Quantization("nvfp4", 4.5), 0.28125),
    ],
)
def test_quantised_weights_leave_embeddings_alone(stored: Quantization, share: float) -> None:
    plain, packed = shape(QWEN), replace(shape(QWEN), quantization=stored)
    whole = rank_weights(plain, settings(QWEN), device("H100"))
    small = rank_weights(packed, settings(QWEN), device("H100"))
    assert small.embeddings == whole.embeddings
    assert small.mlp == pytest.approx(whole.mlp * share, rel=0.001)


def test_the_engine_can_quantise_while_it_loads() -> None:
    assert weights_gib(QWEN, quantization="fp8") == pytest.approx(32.0, abs=0.5)


@pytest.mark.parametrize(
    ("model", "ranks", "each"),
    [
        (LLAMA, 1, 131072),
        (LLAMA, 8, 16384),
        (LLAMA, 16, 16384),
        (DEEPSEEK, 1, 70272),
        (DEEPSEEK, 8, 70272),
        ("Qwen/Qwen3-235B-A22B", 4, 48128),
    ],
)
def test_bytes_per_token(model: str, ranks: int, each: int) -> None:
    """Heads are repeated on more ranks than heads; a latent vector is on every rank."""
    assert bytes_per_token(shape(model), settings(model, tensor_parallel_size=ranks)) == each


def test_an_8_bit_cache_is_half_and_context_parallelism_divides_a_request() -> None:
    model = shape(LLAMA)
    whole = request_bytes(model, settings(LLAMA), 131072)
    assert whole == 16 * GIB
    assert request_bytes(model, settings(LLAMA, kv_cache_dtype="fp8"), 131072) == 8 * GIB
    shared = settings(LLAMA, tensor_parallel_size=16, decode_context_parallel_size=2)
    assert request_bytes(model, shared, 131072) == 16 * GIB / 8 / 2


def test_windows_bound_what_a_layer_holds() -> None:
    model = shape(GEMMA)
    plain = settings(GEMMA, max_num_batched_tokens=2048)
    full = 131072 * 10 * 2 * 16 * 128 * 2
    # Groups of ten layers: one of full ones, and six of the 52 sliding ones, padded to sixty (since 0.13).
    held = (-(-(1024 - 1 + 2 * 2048) // 16) + 1) * 16 * 60 * 2 * 16 * 128 * 2
    assert request_bytes(model, plain, 131072) == full + held
    before = settings(GEMMA, version="0.11.0", max_num_batched_tokens=2048)
    alone = (-(-(1024 - 1 + 2048) // 16) + 1) * 16 * 52 * 2 * 16 * 128 * 2
    assert request_bytes(model, before, 131072) == full + alone, "one batch in flight, and no padding counted"
    without = settings(GEMMA, disable_hybrid_kv_cache_manager=True)
    assert request_bytes(model, without, 131072) == 131072 * 62 * 2 * 16 * 128 * 2
    assert request_bytes(model, settings(GEMMA, version="0.9.2"), 131072) == 131072 * 62 * 2 * 16 * 128 * 2


def test_chunked_layers_hold_a_chunk() -> None:
    model = shape(SCOUT)
    few = settings(SCOUT, tensor_parallel_size=8, max_num_batched_tokens=8192)
    head = 2 * 1 * 128 * 2
    assert request_bytes(model, few, 1_048_576) == 1_048_576 * 12 * head + (8192 + 2 * 8192) * 36 * head


def test_the_longest_request_is_the_inverse_of_what_a_request_needs() -> None:
    model, chosen = shape(GEMMA), settings(GEMMA)
    for room in (1 * GIB, 5 * GIB, 12.5 * GIB):
        length = largest_length(model, chosen, room)
        assert request_bytes(model, chosen, length) <= room < request_bytes(model, chosen, length + 16)
    assert largest_length(model, chosen, 0) == 0
    assert largest_length(model, chosen, 1e15) == 131072


@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        ("microsoft/phi-4", (1, 2, 5, 10)),
        ("Qwen/Qwen2.5-VL-7B-Instruct", (1, 2, 4)),
        (SCOUT, (1, 2, 4, 8)),
        (SMALL, (1, 2, 4, 8, 16)),
        (DEEPSEEK, (1, 2, 4, 8, 16)),
    ],
)
def test_legal_sizes(model: str, sizes: tuple[int, ...]) -> None:
    assert legal_tensor_parallel_sizes(shape(model), 16) == sizes


def test_the_reason_of_an_illegal_size_is_told() -> None:
    assert tensor_parallel_problem(shape(SMALL), 3) == "16 attention heads cannot be shared evenly by 3 ranks"
    assert "10 key-value heads" in tensor_parallel_problem(shape("microsoft/phi-4"), 4)
    packed = replace(shape("Qwen/Qwen3-235B-A22B"), quantization=Quantization("fp8", 8.002, block=128))
    assert "an expert is 1536 wide" in tensor_parallel_problem(packed, 8)
    assert tensor_parallel_problem(packed, 8, expert_parallel=True) == ""
    assert tensor_parallel_problem(shape(SMALL), 0)


@pytest.mark.parametrize(("model", "gib"), [(LLAMA, 14.96), (OSS, 12.80), (DEEPSEEK, 626.7)])
def test_what_a_volume_has_to_hold(model: str, gib: float) -> None:
    assert stored_weights_gib(shape(model)) == pytest.approx(gib, rel=0.002)


BGE, WHISPER = "BAAI/bge-m3", "openai/whisper-large-v3"


def test_a_model_that_only_encodes_keeps_nothing_and_serves_as_much_as_a_batch_holds() -> None:
    found = assess({"max-model-len": 8192}, "0.33.0", shape(BGE), device("L4"))
    assert found.verdict is FitVerdict.FITS
    assert found.budget.kv_bytes_per_token == found.budget.kv_request_gib == 0
    assert found.settings.pooling and found.settings.dtype == "float16"
    # Texts are not cut, so that a batch holds the longest (arg_utils.py, where chunked prefill is off).
    assert found.settings.max_num_batched_tokens == 8192
    assert found.budget.requests == 1
    assert "keeps no cache" in found.reasons[0]


@pytest.mark.parametrize(
    ("model", "flags", "reason"),
    [
        (BGE, {"max-model-len": 8192, "max-num-batched-tokens": 4096}, "prompts are not taken in chunks"),
        (BGE, {"max-model-len": 8194}, "more than the 8192 tokens"),
        (WHISPER, {"max-model-len": 448, "max-num-batched-tokens": 1024}, "the 1500 positions of the encoder"),
        (QWEN, {"max-num-batched-tokens": 4096, "no-enable-chunked-prefill": True}, "not taken in chunks"),
    ],
)
def test_a_batch_that_is_too_small_for_what_cannot_be_cut_is_refused(
    model: str, flags: dict[str, Any], reason: str
) -> None:
    found = assess(flags, "0.33.0", shape(model), device("H100"))
    assert found.verdict is FitVerdict.DOES_NOT_FIT
    assert "vLLM refuses to start" in found.reasons[0] and reason in " ".join(found.reasons)


def test_attention_to_an_encoder_is_weighed_and_kept_beside_the_text() -> None:
    assert weights_gib(WHISPER, "L4") == pytest.approx(1.543e9 * 2 / GIB, rel=0.005)
    told = settings(WHISPER, "L4", max_model_len=448)
    per_token = bytes_per_token(shape(WHISPER), told)
    assert per_token == 32 * 2 * 20 * 64 * 2
    # 448 tokens are 28 blocks; a batch of 2048 is what an encoder may have put in (CrossAttentionSpec).
    assert told.max_num_batched_tokens == 2048
    assert request_bytes(shape(WHISPER), told, 448) == (448 + 2048) * per_token


def test_what_the_encoder_takes_at_its_trial_run_stays_unknown() -> None:
    found = assess({"max-model-len": 448}, "0.33.0", shape(WHISPER), device("L4"))
    assert found.verdict is FitVerdict.UNSURE
    assert "the profile run of the image or audio encoder" in found.reasons[0]
