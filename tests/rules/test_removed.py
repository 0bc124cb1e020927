"""What is said to do about a flag or variable that is gone."""

from __future__ import annotations

import pytest

from modelyard.catalog import Removal, removals
from modelyard.rules.removed import Place, in_its_place, went


def of(name: str) -> Removal:
    return removals("vllm")[name]


@pytest.mark.parametrize(
    ("name", "place", "off", "expected"),
    [
        ("disable-log-requests", "file", False, "write enable-log-requests: false, which is the default"),
        ("disable-log-requests", "file", True, "write enable-log-requests: true"),
        ("disable-log-requests", "args", False, "write --no-enable-log-requests, which is the default"),
        ("disable-log-requests", "args", True, "write --enable-log-requests"),
        ("disable-mm-preprocessor-cache", "fields", False, "write mm_processor_cache_gb: 0"),
        ("disable-mm-preprocessor-cache", "file", True, "remove it"),
        ("override-pooler-config", "fields", False, "write pooler_config instead"),
        ("eplb-step-interval", "args", False, "write --eplb-config.step_interval instead"),
        ("eplb-step-interval", "fields", False, "write step_interval under eplb_config instead"),
        ("VLLM_USE_FBGEMM", "env", False, "write the flag --linear-backend=fbgemm"),
        ("VLLM_USE_FBGEMM", "env", True, "remove it"),
        ("VLLM_TRITON_ATTN_USE_TD", "env", False, "write VLLM_TRITON_USE_TD instead"),
        (
            "VLLM_SKIP_DEEP_GEMM_WARMUP",
            "env",
            False,
            "check whether VLLM_DEEP_GEMM_WARMUP with the value skip replaces it, or remove it",
        ),
        ("swap-space", "file", False, "remove it: the V1 engine never allocated it"),
        ("enable-bf16x3-router-gemm", "file", False, ""),
    ],
)
def test_it_is_written_as_its_place_takes_it(name: str, place: Place, off: bool, expected: str) -> None:
    assert in_its_place(of(name), place, off=off) == expected


def test_nothing_is_said_of_what_never_was() -> None:
    assert in_its_place(None, "file", off=False) == "" == went(None)
    assert went(of("swap-space")) == "; removed in 0.18.0"
