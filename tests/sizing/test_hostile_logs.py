"""A log may hold anything; it is read in bounded time, and ends in words or in fields that are left out."""

from __future__ import annotations

import pytest

from modelyard.findings import UserError
from modelyard.sizing.logs import measured_budget

MEMORY = "Available KV cache memory: 1.0 GiB\n"


@pytest.mark.parametrize("figure", [",", ",,,", "9" * 400, "1" + "0" * 5000, "-9999999999999", "²"])
def test_a_figure_that_is_no_number_is_left_out(figure: str) -> None:
    with pytest.raises(UserError, match="no line that tells memory"):
        measured_budget(f"Available KV cache memory: {figure} GiB\n")
    assert measured_budget(f"{MEMORY}Model loading took {figure} GiB\n").weights_gib is None


@pytest.mark.parametrize(
    "line",
    [
        "tensor_parallel_size=" + "9" * 5000,
        "tensor_parallel_size=0",
        "tensor_parallel_size=٣",
        "non-default args: {'tensor_parallel_size': 1e999}",
        "non-default args: {'tensor_parallel_size': [1]}",
        "non-default args: {'tensor_parallel_size': 'x'}",
        "non-default args: {'tensor_parallel_size': True}",
        "non-default args: {'tensor_parallel_size': -1}",
        "non-default args: {1}",
        "non-default args: {{}}",
        "non-default args: {'a': " + "-" * 20_000 + "1}",
        "non-default args: {'a': " + "[" * 20_000 + "]" * 20_000 + "}",
        "non-default args: {'a': " + "(" * 150 + ")" * 150 + "}",
    ],
)
def test_a_setting_that_is_none_is_left_out(line: str) -> None:
    assert measured_budget(MEMORY + line).tensor_parallel_size is None


def test_a_type_of_the_cache_is_text_whatever_its_digits_are() -> None:
    assert measured_budget(f"{MEMORY}kv_cache_dtype=²").kv_cache_dtype is None
    assert measured_budget(f"{MEMORY}kv_cache_dtype=fp8").kv_cache_dtype == "fp8"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("E torch.OutOfMemoryError: CUDA out of memory. Tried", "CUDA out of memory. Tried"),
        ("E torch.OutOfMemoryError: tried", "OutOfMemoryError: tried"),
        ("x cudaOutOfMemoryError", "cudaOutOfMemoryError"),
        ("Free memory on device cuda:0 (1/2 GiB) on startup is less than desired", "Free memory on device cuda:0"),
    ],
)
def test_refusals_are_told_from_where_they_begin(line: str, told: str) -> None:
    assert measured_budget(f"INFO a\n{line}\nINFO b").refused.startswith(told)


def test_free_memory_alone_is_no_refusal() -> None:
    assert measured_budget(f"{MEMORY}Free memory on device (1.0/2.0 GiB)\n").refused == ""


# A pattern that is quadratic in one of these takes minutes.
@pytest.mark.parametrize(
    "unit",
    [
        "1",
        ",",
        "1.",
        " ",
        "w",
        "non-default args: {",
        "Free memory on device ",
        "\x1b[0",
        "gpu_memory_utilization=1",
        "'",
    ],
)
def test_long_lines_are_read_once(unit: str) -> None:
    assert measured_budget(MEMORY + unit * (1_000_000 // len(unit))).kv_available_gib == 1.0
