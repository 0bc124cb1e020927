"""Objectives and load tests: what is read, what is refused, and what runs do to ranges."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

import pytest

from modelyard.catalog import device, models
from modelyard.findings import UserError
from modelyard.planning import (
    Basis,
    Lengths,
    Machine,
    Run,
    correction,
    load_results,
    model_work,
    objectives_from,
    objectives_of,
    refusal,
    runs_file,
    runs_of,
    runs_text,
    speed,
)
from modelyard.planning.objectives import milliseconds, written
from modelyard.repository import Files

WHOLE = {"ttft": "1.2s", "itl": "45ms", "rate": 6, "prompt": 1500, "output": 300}
MODEL = "meta-llama/Llama-3.1-8B-Instruct"

VLLM: dict[str, Any] = {
    "model_id": "chat",
    "completed": 200,
    "num_prompts": 200,
    "request_rate": "inf",
    "total_input_tokens": 200 * 1500,
    "total_output_tokens": 200 * 300,
    "request_throughput": 1.0,
    "mean_ttft_ms": 260.0,
    "median_ttft_ms": 250.0,
    "p99_ttft_ms": 500.0,
    "mean_tpot_ms": 31.0,
    "median_tpot_ms": 30.0,
    "p99_tpot_ms": 40.0,
}


def _spread(median: float, **others: float) -> dict[str, Any]:
    return {"successful": {"mean": median, "median": median, "percentiles": {"p95": median * 2}, **others}}


GUIDELLM: dict[str, Any] = {
    "benchmarks": [
        {
            "metrics": {
                "time_to_first_token_ms": _spread(250.0),
                "inter_token_latency_ms": _spread(30.0),
                "prompt_token_count": _spread(1500.0),
                "output_token_count": _spread(300.0),
                "requests_per_second": _spread(1.0),
                "request_concurrency": _spread(9.2),
            }
        }
    ]
}
INFERENCE_PERF: dict[str, Any] = {
    "load_summary": {"requested_rate": 1.0},
    "successes": {
        "count": 200,
        "latency": {
            "request_latency": {"mean": 9.2, "median": 9.2},
            "time_to_first_token": {"mean": 0.25, "median": 0.25, "p99": 0.5},
            "time_per_output_token": {"mean": 0.03, "median": 0.03, "p99": 0.04},
        },
        "throughput": {"requests_per_sec": 1.0},
        "prompt_len": {"mean": 1500.0},
        "output_len": {"mean": 300.0},
    },
    "failures": {"count": 0},
}
AIPERF: dict[str, Any] = {
    "time_to_first_token": {"unit": "ms", "avg": 260.0, "p50": 250.0, "p99": 500.0},
    "inter_token_latency": {"unit": "ms", "avg": 31.0, "p50": 30.0, "p99": 40.0},
    "request_throughput": {"unit": "requests/sec", "avg": 1.0},
    "request_latency": {"unit": "ms", "avg": 9200.0},
    "input_sequence_length": {"unit": "tokens", "avg": 1500.0},
    "output_sequence_length": {"unit": "tokens", "avg": 300.0},
}


def machine(name: str = "L40S") -> Machine:
    shape, found = models()[MODEL].shape, device(name)
    assert shape is not None
    assert found is not None
    return Machine(model_work(shape), found, 1)


def run(requests: float, ttft: float, itl: float, version: str = "0.33.0") -> Run:
    return Run(
        device="L40S",
        ranks=1,
        precision="bf16",
        version_text=version,
        prompt=1500,
        output=300,
        reuse=0.0,
        requests=requests,
        rate=1.0,
        ttft_ms=ttft,
        itl_ms=itl,
        percentiles=(("ttft", 99, ttft * 2),),
        day="2026-11-12",
        file="a.json",
        tool="vllm bench serve",
    )


def test_objectives_go_to_the_file_and_back() -> None:
    found = objectives_from({**WHOLE, "percentile": 95, "reuse": 0.3})
    assert (found.ttft_ms, found.itl_ms, found.rate) == (1200, 45, 6)
    assert objectives_from(found.to_mapping()) == found
    assert written(milliseconds("itl", "45ms")) == "45ms"


def _changed(content: Any, value: Any) -> Iterator[Any]:
    """Yield a result once for each of its parts, with the part replaced by a value that no tool writes there."""
    parts = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, part in parts:
        for other in (value, *_changed(part, value)):
            whole = dict(content) if isinstance(content, dict) else list(content)
            whole[key] = other
            yield whole


@pytest.mark.parametrize("value", [None, "x", [], {}, -1, float("nan"), float("inf"), True], ids=str)
def test_results_that_are_cut_short_or_wrong_are_refused_in_words(value: Any) -> None:
    for content in (VLLM, GUIDELLM, INFERENCE_PERF, AIPERF):
        for changed in _changed(content, value):
            try:
                found = list(load_results(changed))
            except ValueError as refused:
                assert "could not convert" not in str(refused)
            else:
                assert all(isfinite(each.ttft_ms + each.itl_ms + each.rate + each.failed) for each in found)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"ttft": "fast"}, "ttft is 'fast', expected a time"),
        ({"itl": "0ms"}, "itl is 0ms, expected more than 0"),
        ({"ttft": None, "itl": None}, "both missing"),
        ({"concurrency": 4}, "name one of the two"),
        ({"rate": None}, "name one of the two"),
        ({"rate": -1}, "rate is -1"),
        ({"rate": True}, "rate is True"),
        ({"prompt": None}, "prompt is missing"),
        ({"percentile": 42}, "percentile is 42"),
        ({"reuse": 2}, "reuse is 2"),
        ({"latency": 1}, "latency is unknown; known are ttft"),
        ({"ttft_ms": 800}, r"ttft_ms is unknown; did you mean ttft\?"),
        ({"TTFT": "1s"}, r"TTFT is unknown; did you mean ttft\?"),
        ({"rate": 0}, "rate is 0, expected a number above 0 and up to 1,000,000"),
        ({"rate": float("nan")}, "rate is nan"),
        ({"percentile": 101}, "percentile is 101, expected one of 50, 90, 95, 99"),
    ],
)
def test_objectives_that_are_none(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        objectives_from({**WHOLE, **change})


def test_a_wrong_file_is_named_with_its_line(tree: Callable[[dict[str, str]], Path]) -> None:
    root = tree({"m/objectives.yaml": "ttft: 1s\nrate: 2\nprompt: many\noutput: 3\n"})
    with pytest.raises(UserError, match="prompt is 'many'") as refused:
        objectives_of(Files(root), "m")
    assert refused.value.at is not None
    assert refused.value.at.place().line == 3
    assert objectives_of(Files(root), "other") is None


@pytest.mark.parametrize("content", [VLLM, GUIDELLM, INFERENCE_PERF, AIPERF])
def test_every_tool_says_the_same(content: dict[str, Any]) -> None:
    [found] = load_results(json.loads(json.dumps(content)))
    assert (found.prompt, found.output, found.rate) == (1500, 300, 1.0)
    assert (found.ttft_ms, found.itl_ms) == (250.0, 30.0)
    assert found.requests == pytest.approx(9.3, rel=0.05)
    assert found.percentiles
    assert refusal(found, machine(), 0.0, cache_said=False) == ""


@pytest.mark.parametrize(
    ("file", "tool", "prompt"), [("guidellm-0.8.1.json", "GuideLLM", 13.54), ("aiperf-0.13.0.json", "AIPerf", 63.0)]
)
def test_files_that_the_tools_wrote_are_taken(file: str, tool: str, prompt: float) -> None:
    [found] = load_results(json.loads((Path(__file__).parent / "data" / file).read_text()))
    assert (found.tool, found.model, found.finished, found.failed) == (tool, "chat", 24, 0.0)
    assert found.prompt == pytest.approx(prompt, abs=0.01)
    assert found.output == 16
    # The server answers after 200 ms and then each 30 ms; a busy machine adds to it.
    assert 200 <= found.ttft_ms < 300
    assert 29 < found.itl_ms < 31
    assert 3 < found.requests <= 4
    assert {(metric, share) for metric, share, _ in found.percentiles} == {
        (metric, share) for metric in ("ttft", "itl") for share in (90, 95, 99)
    }


def test_aiperf_says_its_rate_its_errors_and_whether_it_was_cancelled() -> None:
    told = json.loads((Path(__file__).parent / "data" / "aiperf-0.13.0-errors.json").read_text())
    [found] = load_results(told)
    assert found.finished == 20
    assert found.failed == pytest.approx(4 / 24)
    assert found.backlog == pytest.approx(4 / 3.95, rel=0.01)
    assert "17% of its requests failed" in refusal(found, machine(), 0.0, cache_said=False)
    with pytest.raises(ValueError, match="was cancelled"):
        list(load_results({**told, "was_cancelled": True}))


def test_other_versions_say_it_elsewhere() -> None:
    [one] = load_results([VLLM])
    assert one.finished == 200
    middle = {**GUIDELLM["benchmarks"][0], "run_stats": {"requests_made": {"successful": 90, "errored": 10}}}
    middle["args"] = {"strategy": {"type_": "constant", "rate": 1.5}}
    [old] = load_results({"benchmarks": [middle]})
    assert (old.failed, old.backlog, old.finished) == (0.1, 1.5, 90)
    latency = {
        "request_latency": {"mean": 9.2},
        "time_to_first_token": {"p50": 0.25},
        "time_per_output_token": {"p50": 0.03},
    }
    [stage] = load_results({**INFERENCE_PERF, "successes": {**INFERENCE_PERF["successes"], "latency": latency}})
    assert (stage.ttft_ms, stage.itl_ms) == (250.0, 30.0)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([], "no JSON object"),
        (
            {**INFERENCE_PERF, "load_summary": {"count": 200, "schedule_delay": {}}},
            "give stage_N_lifecycle_metrics.json",
        ),
        ({}, "no result of vllm bench serve"),
        ({**VLLM, "median_ttft_ms": "x"}, "median_ttft_ms is 'x'"),
        ({**VLLM, "completed": 0}, "no request was completed"),
        ({"benchmarks": [{}]}, "metrics is missing"),
        ({"benchmarks": []}, "it holds no load"),
        ({**AIPERF, "inter_token_latency": {"unit": "s", "p50": 1}}, "inter_token_latency is in 's'"),
    ],
)
def test_what_is_no_result(content: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        list(load_results(content))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"median_tpot_ms": 5.0}, "below the floor"),
        ({"median_ttft_ms": 20.0}, "--reuse does not say"),
        ({"request_rate": 2.0}, "past saturation"),
        ({"p99_ttft_ms": 20_000.0}, "past saturation"),
        ({"completed": 150}, "requests failed"),
        (
            {"completed": 12, "num_prompts": 12, "total_input_tokens": 18_000, "total_output_tokens": 3600},
            "sent together",
        ),
        ({"request_throughput": 40.0}, "times what 1 x L40S can do at the peak"),
        ({"mean_ttft_ms": 60_000.0, "median_ttft_ms": 60_000.0, "p99_ttft_ms": 90_000.0}, "waited for a place"),
    ],
)
def test_runs_that_are_refused(change: dict[str, Any], told: str) -> None:
    [found] = load_results({**VLLM, **change})
    assert told in refusal(found, machine(), 0.0, cache_said=False)


def test_runs_are_kept_and_replaced(tree: Callable[[dict[str, str]], Path]) -> None:
    first, again, other = run(8, 250, 30), run(8.1, 240, 29), run(32, 600, 45)
    root = tree({runs_file(MODEL): runs_text(MODEL, [first], [again, other])})
    assert runs_of(Files(root), MODEL) == (again, other)
    root = tree({runs_file(MODEL): runs_text(MODEL, [], [first]).replace("itl-ms: 30", "itl-ms: x")})
    with pytest.raises(UserError, match="itl-ms is 'x'"):
        runs_of(Files(root), MODEL)


def test_own_runs_move_and_narrow_ranges() -> None:
    found = machine()
    runs = []
    for requests in (2.0, 32.0):
        guess = speed(found, Lengths(1500, 300), requests)
        assert guess is not None
        runs.append(run(requests, guess.ttft_ms * 1.5, guess.itl_ms * 1.3))
    corrections = tuple(
        (metric, tuple(each for one in runs if (each := correction(metric, one, found)) is not None))
        for metric in ("ttft", "itl")
    )
    bare = Basis(found, (0, 33, 0))
    own = Basis(found, (0, 33, 0), "deployment", tuple(runs), corrections)
    before, after = bare.range_of("itl", 20, 8), own.range_of("itl", 20, 8)
    assert 22 < after.middle <= 26
    assert after.high / after.low < before.high / before.low
    older = Basis(found, (0, 33, 0), "deployment", tuple(replace(r, version_text="0.20.1") for r in runs), corrections)
    assert older.range_of("itl", 20, 8).high > after.high
    assert own.tail("ttft", 99) == 2.0
    assert "calibrated by 2 runs" in own.words
    assert "estimated" in bare.words
