"""Nothing that a repository can say makes sizing crash or turn green."""

from __future__ import annotations

import random
from typing import Any

import pytest

from modelyard import catalog
from modelyard.catalog import shape_from_config
from modelyard.findings import UserError
from modelyard.sizing import (
    FitVerdict,
    assess,
    bars,
    changes_that_fit,
    effective_settings,
    host_budget,
    stored_weights_gib,
)

VALUES: tuple[Any, ...] = (
    None,
    0,
    1,
    2,
    3,
    8,
    64,
    -1,
    10**12,
    0.5,
    0.92,
    92,
    float("inf"),
    float("nan"),
    "infk",
    "auto",
    "8k",
    "many",
    "",
    True,
    False,
    [],
    {},
    "{}",
    "[1]",
    "fp8",
)
FLAGS = (
    "tensor-parallel-size",
    "pipeline-parallel-size",
    "data-parallel-size",
    "decode-context-parallel-size",
    "enable-expert-parallel",
    "gpu-memory-utilization",
    "kv-cache-memory-bytes",
    "max-model-len",
    "max-num-seqs",
    "max-num-batched-tokens",
    "dtype",
    "quantization",
    "kv-cache-dtype",
    "block-size",
    "enforce-eager",
    "cpu-offload-gb",
    "kv-offloading-size",
    "enable-lora",
    "max-loras",
    "max-lora-rank",
    "speculative-config",
    "limit-mm-per-prompt",
    "runner",
    "no-enable-chunked-prefill",
)
VERSIONS = ("0.33.0", "0.19.1", "0.11.0", "0.8.0", "0.6.4")


TRIALS = 2400
"""As many as are needed for every verdict to be seen."""


def test_random_settings_are_judged_and_never_crash() -> None:
    """Thousands of deployments from a seed: any flag with any value on any device."""
    chance = random.Random(20261121)  # noqa: S311 - a seed makes failures repeatable
    shapes = [entry.shape for entry in catalog.models().values() if entry.shape is not None]
    gpus = [device for device in catalog.devices() if device.kind == "gpu"]
    seen = set()
    for number in range(TRIALS):
        flags = {flag: chance.choice(VALUES) for flag in chance.sample(FLAGS, chance.randint(0, 6))}
        shape, device, version = chance.choice(shapes), chance.choice(gpus), chance.choice(VERSIONS)
        found = assess(flags, version, shape, device)
        seen.add(found.verdict)
        told = f"case {number}: {flags} on {device.name}, {shape.architecture}, vLLM {version}"
        assert found.reasons and bars(found), told
        if found.verdict is FitVerdict.FITS:
            assert not found.settings.problems and not found.budget.not_modelled, told
            assert found.budget.margin_gib >= found.needed_margin_gib and found.budget.requests >= 1, told
        if number % 20 == 0:
            host_budget(shape, found.settings)
            changes_that_fit(found, flags, version, shape)
    assert seen == set(FitVerdict)


def test_less_memory_never_turns_a_verdict_better() -> None:
    order = [FitVerdict.DOES_NOT_FIT, FitVerdict.UNSURE, FitVerdict.TIGHT, FitVerdict.FITS]
    shape = next(entry.shape for entry in catalog.models().values() if entry.id == "Qwen/Qwen3-32B")
    device = catalog.device("H100")
    assert shape is not None and device is not None
    # Batch sizes are fixed, because their defaults grow at 70 GiB.
    flags = {"max-model-len": 8192, "max-num-seqs": 256, "max-num-batched-tokens": 2048}
    ranks = [order.index(assess(flags, "0.33.0", shape, device, total_gib=gib / 4).verdict) for gib in range(240, 400)]
    assert ranks == sorted(ranks) and ranks[0] == 0 and ranks[-1] == 3


ABSURD: dict[str, tuple[object, ...]] = {
    "tensor-parallel-size": (0, -1, 1.5, 10**12, "two", float("nan"), [2], {"of": 2}),
    "pipeline-parallel-size": (0, -3, 10**12, "many", float("inf")),
    "data-parallel-size": (0, -1, 10**12, "x"),
    "decode-context-parallel-size": (0, -1, 10**12, "x"),
    "gpu-memory-utilization": (0, -0.5, 1.01, 92, "most", float("nan"), float("inf")),
    "max-model-len": (-2, 10**15, "infk", "long", float("nan")),
    "max-num-seqs": (0, -1, 10**12, "x", float("inf")),
    "max-num-batched-tokens": (-7, 10**12, "x"),
    "block-size": (0, -16, "x"),
    "cpu-offload-gb": (-1, "all", float("nan"), 10**9),
}


@pytest.mark.parametrize("flag", ABSURD)
def test_no_absurd_value_fits(flag: str) -> None:
    shapes = [entry.shape for entry in catalog.models().values() if entry.shape is not None]
    for device in (device for device in catalog.devices() if device.kind == "gpu"):
        for shape in shapes:
            for value in ABSURD[flag]:
                found = assess({"max-model-len": 512, flag: value}, "0.33.0", shape, device)
                assert found.verdict is not FitVerdict.FITS, (
                    f"{flag} {value!r} of {shape.architecture} on {device.name}"
                )


CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "hidden_size": 2048,
    "head_dim": 64,
    "intermediate_size": 8192,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "torch_dtype": "bfloat16",
    "tie_word_embeddings": True,
}
NONSENSE: tuple[Any, ...] = (
    0,
    -1,
    1,
    3,
    10**12,
    10**6,
    1.5,
    "x",
    "",
    None,
    [],
    {},
    [1],
    True,
    float("nan"),
    float("inf"),
)


def test_a_config_of_nonsense_is_refused_or_sized() -> None:
    """A thousand configs from a seed: none crashes, and what fits has its weights below the device's memory."""
    chance = random.Random(7)  # noqa: S311 - a seed makes failures repeatable
    gpus = [device for device in catalog.devices() if device.kind == "gpu"]
    refused = 0
    for number in range(1000):
        config = {
            **CONFIG,
            **{key: chance.choice(NONSENSE) for key in chance.sample(list(CONFIG), chance.randint(1, 3))},
        }
        try:
            shape = shape_from_config(config)
        except UserError as error:
            refused += 1
            assert error.message
            continue
        device, ranks = chance.choice(gpus), chance.choice((1, 2, 4, 8))
        found = assess({"tensor-parallel-size": ranks, "max-model-len": 2048}, "0.33.0", shape, device)
        if found.verdict is FitVerdict.FITS:
            assert stored_weights_gib(shape) / ranks < device.total_gib, f"case {number}: {config}"
    assert 300 < refused < 1000


def test_what_the_engine_exits_on_is_no_fit() -> None:
    entry, device = catalog.model("Qwen/Qwen3-1.7B"), catalog.device("H100")
    assert entry is not None and entry.shape is not None and device is not None
    shape = entry.shape
    refused = assess({"max-num-seqs": 256, "max-num-batched-tokens": 16}, "0.33.0", shape, device)
    assert refused.verdict is FitVerdict.DOES_NOT_FIT
    assert refused.reasons == ("vLLM refuses to start: max-num-batched-tokens 16 is less than max-num-seqs 256",)
    unsure = assess({"dtype": "float64"}, "0.33.0", shape, device)
    assert unsure.verdict is FitVerdict.UNSURE
    assert any("dtype is 'float64', expected one of auto, half" in each for each in unsure.reasons)


def test_throughput_doubles_what_is_not_set() -> None:
    entry, device = catalog.model("Qwen/Qwen3-1.7B"), catalog.device("H100")
    assert entry is not None and entry.shape is not None and device is not None
    shape = entry.shape
    plain = effective_settings({}, "0.33.0", shape, device)
    doubled = effective_settings({"performance-mode": "throughput"}, "0.33.0", shape, device)
    assert (doubled.max_num_seqs, doubled.max_num_batched_tokens) == (
        2 * plain.max_num_seqs,
        2 * plain.max_num_batched_tokens,
    )
    given = effective_settings({"performance-mode": "throughput", "max-num-seqs": 64}, "0.33.0", shape, device)
    assert (given.max_num_seqs, given.max_num_batched_tokens) == (64, 2 * plain.max_num_batched_tokens)
