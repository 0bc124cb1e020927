"""Reading the results of load tests: `vllm bench serve`, GuideLLM, inference-perf, AIPerf.

Fields as vLLM 0.33's `--save-result`, GuideLLM 0.8.1 (`benchmarks.json`), inference-perf's
`summary_lifecycle_metrics.json` and AIPerf 0.13.0 (`profile_export_aiperf.json`) name them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PERCENTILES = (90, 95, 99)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a load test says of one load.

    Attributes:
        tool: What measured it.
        model: The model's id or served name as it was asked for; empty where the result does not say it.
        prompt: Mean tokens of a prompt.
        output: Mean tokens of an answer.
        rate: Requests a second that were finished.
        requests: Mean requests at once.
        ttft_ms: Median time to the first token.
        itl_ms: Median time per token after the first.
        percentiles: Higher percentiles as (metric, percentile, milliseconds).
        cached: Share of prompts that lay in the prefix cache; None where the result does not say it.
        failed: Share of requests that failed.
        backlog: Requests that were sent a second over those that were finished; None where none were sent at a rate.
    """

    tool: str
    model: str
    prompt: float
    output: float
    rate: float
    requests: float
    ttft_ms: float
    itl_ms: float
    percentiles: tuple[tuple[str, int, float], ...]
    cached: float | None
    failed: float
    backlog: float | None


def load_results(content: Any) -> Iterator[LoadResult]:
    """Yield what a result file says, one entry a load.

    Raises:
        ValueError: It is no result that is known, or lacks something; the message says which.
    """
    if not isinstance(content, Mapping):
        raise ValueError("it is no JSON object")
    if "median_ttft_ms" in content or "mean_ttft_ms" in content:
        yield _vllm(content)
    elif isinstance(content.get("benchmarks"), list):
        for each in content["benchmarks"]:
            yield _guidellm(each)
    elif isinstance(content.get("successes"), Mapping):
        yield _inference_perf(content)
    elif isinstance(content.get("time_to_first_token"), Mapping):
        yield _aiperf(content)
    else:
        raise ValueError("it is no result of vllm bench serve, GuideLLM, inference-perf or AIPerf")


def _vllm(told: Mapping[str, Any]) -> LoadResult:
    completed = _number(told, "completed")
    if completed < 1:
        raise ValueError("no request was completed")
    output = _number(told, "total_output_tokens") / completed
    rate = _number(told, "request_throughput")
    ttft, itl = _number(told, "median_ttft_ms"), _number(told, "median_tpot_ms")
    mean = (_number(told, "mean_ttft_ms") + _number(told, "mean_tpot_ms") * max(0.0, output - 1)) / 1e3
    asked = told.get("request_rate")
    sent = asked if isinstance(asked, int | float) and not isinstance(asked, bool) and asked != float("inf") else None
    higher = [
        (metric, percentile, float(value))
        for metric, name in (("ttft", "ttft"), ("itl", "tpot"))
        for percentile in PERCENTILES
        if isinstance(value := told.get(f"p{percentile}_{name}_ms"), int | float)
    ]
    total = told.get("num_prompts")
    failed = 1 - completed / total if isinstance(total, int) and total >= completed else 0.0
    return LoadResult(
        "vllm bench serve",
        str(told.get("model_id") or ""),
        _number(told, "total_input_tokens") / completed,
        output,
        rate,
        rate * mean,
        ttft,
        itl,
        tuple(higher),
        None,
        failed,
        None if sent is None else sent / rate,
    )


def _guidellm(told: Any) -> LoadResult:
    metrics = _mapping(told, "metrics")

    def of(name: str) -> Mapping[str, Any]:
        return _mapping(_mapping(metrics, name), "successful")

    ttft, itl = of("time_to_first_token_ms"), of("inter_token_latency_ms")
    higher = _higher((("ttft", ttft.get("percentiles"), 1.0), ("itl", itl.get("percentiles"), 1.0)))
    counts = metrics.get("request_totals")
    failed = 0.0
    if isinstance(counts, Mapping) and isinstance(counts.get("total"), int) and counts["total"]:
        failed = float(counts.get("errored") or 0) / counts["total"]
    return LoadResult(
        "GuideLLM",
        "",
        _number(of("prompt_token_count"), "mean"),
        _number(of("output_token_count"), "mean"),
        _number(of("requests_per_second"), "mean"),
        _number(of("request_concurrency"), "mean"),
        _number(ttft, "median"),
        _number(itl, "median"),
        higher,
        None,
        failed,
        None,
    )


def _inference_perf(told: Mapping[str, Any]) -> LoadResult:
    good = _mapping(told, "successes")
    latency, through = _mapping(good, "latency"), _mapping(good, "throughput")
    ttft, itl = _mapping(latency, "time_to_first_token"), _mapping(latency, "time_per_output_token")
    rate = _number(through, "requests_per_sec")
    lengths = good.get("prompt_len") if isinstance(good.get("prompt_len"), Mapping) else good.get("prompt_tokens")
    failures = told.get("failures")
    bad = failures.get("count") if isinstance(failures, Mapping) else 0
    count = _number(good, "count")
    load = told.get("load_summary")
    asked = load.get("requested_rate") if isinstance(load, Mapping) else None
    return LoadResult(
        "inference-perf",
        "",
        _number(lengths, "mean"),
        _number(_mapping(good, "output_len"), "mean"),
        rate,
        rate * _number(_mapping(latency, "request_latency"), "mean"),
        _number(ttft, "median") * 1e3,
        _number(itl, "median") * 1e3,
        _higher((("ttft", ttft, 1e3), ("itl", itl, 1e3))),
        None,
        bad / (bad + count) if isinstance(bad, int) and bad + count else 0.0,
        float(asked) / rate if isinstance(asked, int | float) and asked > 0 else None,
    )


def _aiperf(told: Mapping[str, Any]) -> LoadResult:
    ttft, itl = _mapping(told, "time_to_first_token"), _mapping(told, "inter_token_latency")
    for name, each in (("time_to_first_token", ttft), ("inter_token_latency", itl)):
        if each.get("unit") not in ("ms", "milliseconds"):
            raise ValueError(f"{name} is in {each.get('unit')!r}, expected ms")
    rate = _number(_mapping(told, "request_throughput"), "avg")
    latency = _mapping(told, "request_latency")
    errors, count = told.get("error_request_count"), told.get("request_count")
    bad = float(errors.get("avg") or 0) if isinstance(errors, Mapping) else 0.0
    good = float(count.get("avg") or 0) if isinstance(count, Mapping) else 0.0
    return LoadResult(
        "AIPerf",
        "",
        _number(_mapping(told, "input_sequence_length"), "avg"),
        _number(_mapping(told, "output_sequence_length"), "avg"),
        rate,
        rate * _number(latency, "avg") / 1e3,
        _number(ttft, "p50"),
        _number(itl, "p50"),
        _higher((("ttft", ttft, 1.0), ("itl", itl, 1.0))),
        None,
        bad / (bad + good) if bad + good else 0.0,
        None,
    )


def _higher(told: Sequence[tuple[str, Any, float]]) -> tuple[tuple[str, int, float], ...]:
    return tuple(
        (metric, percentile, float(value) * unit)
        for metric, values, unit in told
        if isinstance(values, Mapping)
        for percentile in PERCENTILES
        if isinstance(value := values.get(f"p{percentile}"), int | float) and not isinstance(value, bool)
    )


def _mapping(told: Any, name: str) -> Mapping[str, Any]:
    found = told.get(name) if isinstance(told, Mapping) else None
    if not isinstance(found, Mapping):
        raise ValueError(f"{name} is missing")
    return found


def _number(told: Any, name: str) -> float:
    value = told.get(name) if isinstance(told, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise ValueError(f"{name} is {value!r}, expected a number" if value is not None else f"{name} is missing")
    return float(value)
