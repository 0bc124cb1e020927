"""Speed and floors: what physics bound, what grows with what, and that the published points agree."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from modelyard.catalog import ModelShape, device, models
from modelyard.planning import Lengths, Machine, at_rate, floor, model_work, speed
from modelyard.planning.floor import least_busy
from modelyard.planning.ranges import estimated, group_of, tail
from modelyard.planning.speed import speed_data
from modelyard.planning.work import computing_bits

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from catalog_benchmarks import is_held_out
from planning.points import benchmarks

PROMPTS = Lengths(1500, 300)


def shape(name: str) -> ModelShape:
    found = models()[name].shape
    assert found is not None
    return found


LLAMA = shape("meta-llama/Llama-3.1-8B-Instruct")


def machine(name: str, ranks: int = 1, quantization: str = "") -> Machine:
    found = device(name)
    assert found is not None
    return Machine(model_work(LLAMA, quantization), found, ranks)


def test_floor_reads_weights_and_cache_once() -> None:
    work = model_work(LLAMA)
    # All parameters but the embeddings, of which a token reads a row.
    assert work.dense_bytes == pytest.approx(2 * (LLAMA.parameters - LLAMA.vocabulary * LLAMA.hidden_size))
    # 32 layers, 8 heads of 128, keys and values, 16 bits.
    assert work.cache_bytes(1, 1) == 32 * 2 * 8 * 128 * 2
    least = floor(machine("L4"), PROMPTS)
    assert least.itl_ms == pytest.approx((work.dense_bytes + work.cache_bytes(1500, 1)) / 300e9 * 1e3)
    assert least.ttft_ms is not None
    assert least.ttft_ms > 2 * 6.9e9 * 1500 / 121e12 * 1e3


def test_speculation_has_no_floor_between_tokens() -> None:
    assert floor(machine("L4"), PROMPTS, speculative=True).itl_ms is None


def test_unsure_peaks_give_no_floor_of_the_first_token() -> None:
    assert floor(machine("A10G"), PROMPTS).ttft_ms is None
    assert floor(machine("A10G"), PROMPTS).itl_ms is not None


def test_reuse_lowers_the_first_token_and_leaves_the_next() -> None:
    cold, warm = (speed(machine("L4"), Lengths(1500, 300, reuse), 1) for reuse in (0.0, 0.8))
    assert cold is not None
    assert warm is not None
    assert warm.ttft_ms < 0.5 * cold.ttft_ms
    assert warm.itl_ms == pytest.approx(cold.itl_ms)


def test_experts_touched_grow_with_the_batch() -> None:
    work = model_work(shape("openai/gpt-oss-120b"))
    alone, many = work.weight_bytes(1), work.weight_bytes(512)
    assert alone - work.dense_bytes == pytest.approx(work.expert_bytes * 4 / 128)
    assert many == pytest.approx(work.dense_bytes + work.expert_bytes, rel=1e-3)


@pytest.mark.parametrize(
    ("bits", "method", "on", "used"),
    [
        (8.0, "fp8", "L4", 8.0),
        (8.0, "fp8", "A100", 16.0),  # has no FP8: weights are unpacked
        (4.25, "mxfp4", "H100", 16.0),
        (4.5, "nvfp4", "B200", 4.0),
        (4.5, "awq", "B200", 16.0),
        (16.0, "", "H100", 16.0),
    ],
)
def test_width_of_products(bits: float, method: str, on: str, used: float) -> None:
    found = device(on)
    assert found is not None
    assert computing_bits(bits, method, found) == used


@pytest.mark.parametrize("name", ["L4", "A10G", "L40S", "H100", "B200"])
def test_load_only_slows(name: str) -> None:
    speeds = [speed(machine(name), PROMPTS, requests) for requests in (1, 4, 16, 64)]
    times = [(each.itl_ms, each.ttft_ms, -each.rate) for each in speeds if each is not None]
    assert len(times) == 4
    assert times == sorted(times)
    assert [each[1] for each in times] == sorted(each[1] for each in times)


def test_what_is_not_known_of_a_device_is_not_estimated() -> None:
    assert speed(machine("RTX PRO 4500"), PROMPTS, 1) is None
    assert speed(machine("T4g", ranks=2), PROMPTS, 1) is None


def test_rate_and_requests_agree() -> None:
    found = at_rate(machine("L40S"), PROMPTS, 2.0, 64)
    assert found is not None
    assert found.requests / found.seconds == pytest.approx(2.0, rel=0.01) or found.requests <= 1
    assert at_rate(machine("L40S"), PROMPTS, 200.0, 64) is None


def test_ranges_are_wider_where_less_is_known() -> None:
    h100, l4 = machine("H100"), machine("L4")
    known, newer = estimated("itl", 10, h100, (0, 15, 1)), estimated("itl", 10, h100, (0, 33, 0))
    assert newer.low < known.low < 10 < known.high < newer.high
    assert estimated("itl", 10, h100, (0, 7, 3)).high > newer.high
    other = estimated("itl", 10, l4, (0, 15, 1))
    assert other.high > known.high
    assert other.low < known.low
    assert group_of("itl", h100) != group_of("itl", machine("B200"))
    assert group_of("ttft", h100) != group_of("ttft", Machine(h100.work, h100.device, 4))
    assert 10 < known.deciding < known.high
    assert known.inside(known.deciding) == "meets"
    assert known.inside(known.high) == "meets"
    assert known.inside(10) == "unsure"
    assert known.inside(known.low * 0.99) == "misses"


def test_a_load_takes_a_share_of_the_peak() -> None:
    h100 = machine("H100")
    found = speed(h100, PROMPTS, 32)
    assert found is not None
    real = least_busy(h100, PROMPTS, 32, found.ttft_ms, found.itl_ms)
    assert 0.1 < real < 1
    # Twice as many in the same time is twice the work; in a tenth of the time it is none that the device can do.
    assert least_busy(h100, PROMPTS, 64, found.ttft_ms, found.itl_ms) > real
    assert least_busy(h100, PROMPTS, 32, found.ttft_ms / 10, found.itl_ms / 10) > 1
    # A10G's peak is not sure, so only what it reads counts.
    a10g = machine("A10G")
    assert 0 < least_busy(a10g, PROMPTS, 8, 1000, 60) < 1


def test_tails_grow() -> None:
    assert 1 == tail("ttft", 50) < tail("ttft", 90) < tail("ttft", 95) < tail("ttft", 99)


def test_points_are_above_the_floor() -> None:
    points = benchmarks()
    assert len(points) > 1000
    for point in points:
        least = floor(point.machine, point.lengths)
        assert point.itl_ms is None or least.itl_ms is None or point.itl_ms >= least.itl_ms, point
        assert point.ttft_ms is None or least.ttft_ms is None or point.ttft_ms >= least.ttft_ms, point


def test_no_family_that_is_held_out_was_fitted_on() -> None:
    held = {point.family for point in benchmarks() if point.held_out}
    assert all(point.held_out == is_held_out(point.family) for point in benchmarks())
    assert is_held_out("g") and not is_held_out("a"), "a family that is not listed is split by its name"
    assert held == set(speed_data()["held-out"])
    assert not held & set(speed_data()["families"])
    assert 3 * len(held) >= len({point.family for point in benchmarks()})
