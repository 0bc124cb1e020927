"""Verdicts, their reasons, what would make a model fit, and the bars."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from modelyard.catalog import LayerGroup, LayerKind
from modelyard.sizing import Assessment, FitVerdict, MeasuredBudget, assess, bars, changes_that_fit, effective_settings
from modelyard.sizing.fit import calibrated_slack_gib, uncalibrated_slack_gib
from modelyard.sizing.served import NAMING
from tests.sizing.deployments import DEEPSEEK, GEMMA, LLAMA, OSS, QWEN, SMALL, VERSION, device, shape


def assessed(model: str = QWEN, on: str = "H100", version: str = VERSION, **flags: Any) -> Assessment:
    return assess(flags, version, shape(model), device(on))


def test_a_small_model_on_a_small_device_fits() -> None:
    found = assessed(SMALL, "A10G")
    assert found.verdict is FitVerdict.FITS
    assert found.budget.requests == 3
    assert found.basis.startswith("closest measured run: ") and "differs in" in found.basis


def test_what_a_deployment_is_called_changes_nothing() -> None:
    for name in NAMING:
        assert assess({name: "chat"}, VERSION, shape(QWEN), device("H100")) == assessed(QWEN, "H100")
    assert assess({"max-model-len": 4096}, VERSION, shape(QWEN), device("H100")) != assessed(QWEN, "H100")


def test_a_length_that_the_cache_cannot_hold_does_not_fit_and_the_arithmetic_is_shown() -> None:
    found = assessed(QWEN, "H100")
    assert found.verdict is FitVerdict.DOES_NOT_FIT
    assert found.reasons == (
        "8.7 GiB per device are left for the KV cache; one request of 40960 tokens needs 10.0 GiB",
    )


def test_weights_that_are_more_than_the_device_do_not_fit() -> None:
    found = assessed(QWEN, "A10G")
    assert found.verdict is FitVerdict.DOES_NOT_FIT
    assert "are missing per device before the KV cache gets any" in found.reasons[0]


def test_outside_the_calibrated_logs_fits_needs_two_gib_or_five_percent() -> None:
    assert (uncalibrated_slack_gib(22.0), uncalibrated_slack_gib(79.18)) == pytest.approx((2.0, 3.959))
    assert (calibrated_slack_gib(22.0), calibrated_slack_gib(79.18)) == pytest.approx((1.0, 1.5836))
    lengths = {
        verdict: [length for length in range(1000, 40000, 500) if assessed(max_model_len=length).verdict is verdict]
        for verdict in FitVerdict
    }
    for verdict, expected in ((FitVerdict.FITS, 3.959), (FitVerdict.TIGHT, 1.5836), (FitVerdict.UNSURE, -1.188)):
        margins = [assessed(max_model_len=length).budget.margin_gib for length in lengths[verdict]]
        assert margins and min(margins) >= expected, verdict
    assert max(lengths[FitVerdict.FITS]) < min(lengths[FitVerdict.TIGHT]) < min(lengths[FitVerdict.UNSURE])


def test_the_same_margin_is_enough_on_a_calibrated_version_and_device() -> None:
    near = assessed(QWEN, "H100", "0.11.0", max_model_len=10000)
    far = assessed(QWEN, "H100", "0.33.0", max_model_len=22000)
    assert near.coverage is not None and near.coverage.covered and near.verdict is FitVerdict.FITS
    assert far.verdict is not FitVerdict.FITS and far.budget.margin_gib > 1.5


@pytest.mark.parametrize(
    ("model", "on", "flags", "reason"),
    [
        (SMALL, "H100", {"tensor_parallel_size": 3}, "16 attention heads cannot be shared evenly by 3 ranks"),
        (SMALL, "T4", {"dtype": "bfloat16"}, "bfloat16 needs compute capability 8.0"),
        (OSS, "A10G", {"kv_cache_dtype": "fp8"}, "an fp8 cache of this model needs compute capability 8.9"),
        (
            SMALL,
            "T4",
            {"kv_cache_dtype": "fp8", "dtype": "half"},
            "an fp8 cache of this model needs compute capability 8.0",
        ),
        (OSS, "T4", {"dtype": "half"}, "mxfp4 weights need compute capability 8.0"),
        (SMALL, "H100", {"max_model_len": 50000}, "max-model-len 50000 is more than the 40960 tokens"),
        (SMALL, "H100", {"pipeline_parallel_size": 40}, "28 layers cannot be shared by 40 pipeline stages"),
        (SMALL, "H100", {"decode_context_parallel_size": 2}, "is no multiple of"),
    ],
)
def test_what_vllm_refuses_does_not_fit(model: str, on: str, flags: dict[str, Any], reason: str) -> None:
    found = assessed(model, on, **flags)
    assert found.verdict is FitVerdict.DOES_NOT_FIT
    assert found.reasons[0].startswith("vLLM refuses to start: ") and reason in found.reasons[0]


@pytest.mark.parametrize(
    ("flags", "gap"),
    [
        ({"speculative_config": {"method": "eagle3", "model": "x"}}, "draft model of speculative decoding (eagle3)"),
        ({"speculative_config": '{"method": "mtp"}'}, "draft model of speculative decoding (mtp)"),
        ({"quantization": "awq"}, "weights quantised by awq"),
        ({"kv_cache_dtype": "turboquant_4bit_nc"}, "a cache of type turboquant_4bit_nc"),
    ],
)
def test_what_is_not_modelled_is_unsure_and_named(flags: dict[str, Any], gap: str) -> None:
    found = assessed(SMALL, "H100", **flags)
    assert found.verdict is FitVerdict.UNSURE
    assert gap in found.reasons[0]


def test_a_device_without_bfloat16_runs_the_model_in_float16_unless_bfloat16_is_asked_for() -> None:
    found = assessed(SMALL, "T4", max_model_len=8192)
    assert (found.verdict, found.settings.dtype) == (FitVerdict.FITS, "float16")


def test_drafts_without_weights_are_modelled() -> None:
    assert assessed(SMALL, "H100", speculative_config={"method": "ngram"}).verdict is FitVerdict.FITS


def test_images_of_an_unknown_encoder_are_unsure_until_they_are_switched_off() -> None:
    unknown = shape(GEMMA, encoder=None)
    assert assess({}, VERSION, unknown, device("H200")).verdict is FitVerdict.UNSURE
    assert assess({"language-model-only": True}, VERSION, unknown, device("H200")).verdict is FitVerdict.FITS
    assert assessed(GEMMA, "H200").verdict is FitVerdict.FITS
    assert assessed(GEMMA, "H200", limit_mm_per_prompt={"image": 0}).verdict is FitVerdict.FITS
    assert assessed(GEMMA, "H200", language_model_only=True).verdict is FitVerdict.FITS


def test_recurrent_layers_are_unsure() -> None:
    groups = (LayerGroup(LayerKind.FULL, 7), LayerGroup(LayerKind.RECURRENT, 21))
    hybrid = shape(SMALL, groups=groups, unmodelled=("weights and state of recurrent layers",))
    found = assess({}, VERSION, hybrid, device("H100"))
    assert found.verdict is FitVerdict.UNSURE
    assert found.budget.kv_bytes_per_token == 7 * 4096


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"tensor_parallel_size": 0}, "tensor-parallel-size is 0, expected a whole number from 1 to 1024"),
        ({"gpu_memory_utilization": 92}, "gpu-memory-utilization is 92, expected a number from 0.01 to 1"),
        ({"max_num_seqs": "lots"}, "max-num-seqs is 'lots'"),
        ({"speculative_config": "{"}, "speculative-config is '{', expected a JSON mapping"),
    ],
)
def test_settings_that_cannot_be_used_are_named_and_never_fit(flags: dict[str, Any], message: str) -> None:
    found = assessed(SMALL, "H100", **flags)
    assert found.verdict is FitVerdict.UNSURE
    assert message in found.reasons[0]


def test_a_utilisation_that_leaves_no_room_for_the_context_is_unsure() -> None:
    found = assessed(SMALL, "A10G", gpu_memory_utilization=0.99)
    assert found.verdict is FitVerdict.UNSURE and "refuses to start when less is free" in found.reasons[0]


def test_defaults_follow_version_and_device() -> None:
    def chosen(version: str, on: str) -> tuple[float, int, int, bool]:
        found = effective_settings({}, version, shape(SMALL), device(on))
        return (
            found.gpu_memory_utilization,
            found.max_num_seqs,
            found.max_num_batched_tokens,
            found.cuda_graphs_subtracted,
        )

    assert chosen("0.33.0", "H100") == (0.92, 1024, 8192, True)
    assert chosen("0.33.0", "A100-80GB") == (0.92, 256, 2048, True)
    assert chosen("0.33.0", "B200") == (0.92, 1024, 16384, True)
    assert chosen("0.27.1", "B200") == (0.92, 1024, 8192, False)
    assert chosen("0.21.0", "B200") == (0.92, 1024, 8192, True)
    # vLLM knows an A100 by its name, of which A800 has no part.
    assert chosen("0.33.0", "A800") == (0.92, 1024, 8192, True)
    assert chosen("0.19.1", "L4") == (0.9, 256, 2048, False)
    with pytest.raises(ValueError, match="no version"):
        effective_settings({}, "latest", shape(SMALL), device("H100"))


def test_the_batch_is_no_larger_than_all_requests_together() -> None:
    found = effective_settings({"max-num-seqs": 2, "max-model-len": "1k"}, VERSION, shape(SMALL), device("H100"))
    assert (found.max_model_len, found.max_num_batched_tokens) == (1000, 2000)


def test_environment_variables_count() -> None:
    without = {"VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS": "0"}
    plain = assess({}, VERSION, shape(SMALL), device("L4"))
    found = assess({}, VERSION, shape(SMALL), device("L4"), environment=without)
    assert found.budget.kv_available_gib == pytest.approx(plain.budget.kv_available_gib + plain.budget.cuda_graphs_gib)


def test_eager_mode_lora_and_offload_move_memory() -> None:
    plain = assessed(LLAMA, "L40S").budget
    eager = assessed(LLAMA, "L40S", enforce_eager=True).budget
    assert eager.cuda_graphs_gib == 0.0 and 0.25 <= plain.cuda_graphs_gib < 1.0
    adapters = assessed(LLAMA, "L40S", enable_lora=True, max_loras=4, max_lora_rank=64).budget
    assert adapters.lora_gib == pytest.approx(4 * 64 * 32 * 2 * (4 * 4096 + 10240 + 3 * 4096 + 3 * 14336) / 2**30)
    offloaded = assessed(LLAMA, "L40S", cpu_offload_gb=4).budget
    assert offloaded.weights_gib == pytest.approx(plain.weights_gib - 4)


def test_a_cache_set_by_hand_ignores_utilisation() -> None:
    found = assessed(SMALL, "A10G", kv_cache_memory_bytes="8G", gpu_memory_utilization=0.2)
    assert found.budget.kv_available_gib == pytest.approx(8.0)
    assert assessed(SMALL, "A10G", kv_cache_memory_bytes="40G").budget.kv_available_gib < 18


def test_auto_takes_the_length_that_fits() -> None:
    found = assessed(QWEN, "H100", max_model_len="auto")
    assert found.budget.max_model_len == found.budget.largest_length == 35744
    assert found.verdict is FitVerdict.FITS


def test_a_slice_of_a_device_has_its_own_memory() -> None:
    found = assess({"max-model-len": 8192}, VERSION, shape(SMALL), device("H100"), total_gib=9.5)
    assert found.settings.max_num_seqs == 256
    assert found.budget.requested_gib == pytest.approx(9.5 * 0.92)
    assert found.coverage is not None and "9.5 GiB of the device" in found.coverage.reason


def test_pipeline_stages_are_judged_by_the_tightest() -> None:
    found = assessed("meta-llama/Llama-3.3-70B-Instruct", "L40S", pipeline_parallel_size=4, max_model_len=8192)
    assert found.budget.stage == 3, "the last stage has the output layer and the sampler"


def test_changes_that_would_make_it_fit() -> None:
    flags: dict[str, Any] = {"max_model_len": 40960}
    found = changes_that_fit(assessed(QWEN, "H100", **flags), flags, VERSION, shape(QWEN))
    texts = [change.text for change in found]
    assert texts[0].startswith("max-model-len 19000 (with margin): 8.7 GiB per GPU for 1 such request")
    assert "tensor-parallel-size 2: 35.7 GiB per GPU for 3 such requests" in texts or any(
        text.startswith("tensor-parallel-size 2: ") for text in texts
    )
    assert all(change.assessment.verdict is FitVerdict.FITS for change in found)
    assert [next(iter(change.flags)) for change in found] == sorted(
        {next(iter(change.flags)) for change in found},
        key=["max-model-len", "kv-cache-dtype", "max-num-seqs", "quantization", "tensor-parallel-size"].index,
    )


def test_no_change_is_proposed_where_none_is_enough() -> None:
    found = changes_that_fit(assessed(DEEPSEEK, "L4"), {}, VERSION, shape(DEEPSEEK))
    assert found == ()


def test_bars_show_every_part() -> None:
    line = bars(assessed(QWEN, "H100"))
    assert line.startswith("weights 61.0 ▓")
    for part in ("activation 1.8 ▓", "graphs 1.1", "other 0.1", "KV 8.7 ▓▓▓", "of 72.8 GiB (H100 \u00d7 0.92)"):
        assert part in line
    assert len(line) <= 120
    assert "KV -" in bars(assessed(QWEN, "A10G"))


MEASURED = MeasuredBudget(
    model=QWEN,
    version="0.33.0",
    device="H100",
    tensor_parallel_size=1,
    gpu_memory_utilization=0.92,
    weights_gib=61.1,
    kv_available_gib=8.9,
)


def test_a_log_says_of_a_model_that_is_not_modelled_what_its_cache_holds() -> None:
    odd = replace(shape(QWEN), unmodelled=("architecture OddForCausalLM",))
    flags = {"max_model_len": 16384}
    for tokens, verdict in ((None, FitVerdict.UNSURE), (8192, FitVerdict.UNSURE), (36000, FitVerdict.FITS)):
        found = assess(flags, VERSION, odd, device("H100"), measured=replace(MEASURED, kv_tokens=tokens))
        assert found.verdict is verdict


def test_a_measured_budget_beats_arithmetic_for_any_length() -> None:
    flags: dict[str, Any] = {"max_model_len": 32768}
    assert assessed(QWEN, "H100", **flags).verdict is FitVerdict.UNSURE
    found = assess(flags, VERSION, shape(QWEN), device("H100"), measured=MEASURED)
    assert found.verdict is FitVerdict.FITS and found.budget.measured
    assert (found.budget.weights_gib, found.budget.kv_available_gib) == pytest.approx((61.1, 8.9))
    longer = assess({"max_model_len": 40960}, VERSION, shape(QWEN), device("H100"), measured=MEASURED)
    assert longer.verdict is FitVerdict.DOES_NOT_FIT
    assert found.basis == "measured at start-up of this model, version and device"


def test_a_measured_budget_is_corrected_for_another_utilisation() -> None:
    flags: dict[str, Any] = {"max_model_len": 8192, "gpu_memory_utilization": 0.9}
    found = assess(flags, VERSION, shape(QWEN), device("H100"), measured=MEASURED)
    assert found.budget.kv_available_gib == pytest.approx(8.9 - 0.02 * 79.18)


@pytest.mark.parametrize(
    "other",
    [{"version": "0.32.0"}, {"device": "H200"}, {"tensor_parallel_size": 2}, {"kv_available_gib": None}],
)
def test_a_log_of_another_deployment_is_not_taken(other: dict[str, Any]) -> None:
    found = assess({}, VERSION, shape(QWEN), device("H100"), measured=replace(MEASURED, **other))
    assert not found.budget.measured


def test_work_does_not_grow_with_the_length_of_a_request() -> None:
    """Thousands of deployments are assessed in a check, with contexts of up to a million tokens."""
    model, on = shape(QWEN), device("H100")
    assess({"max-model-len": 1024}, VERSION, model, on)  # what is read once
    assert _calls(lambda: assess({"max-model-len": 8192}, VERSION, model, on)) == _calls(
        lambda: assess({"max-model-len": 16_384}, VERSION, model, on)
    )


def _calls(action: Callable[[], object]) -> int:
    """How many Python functions an action calls."""
    count = 0

    def counting(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(counting)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count
