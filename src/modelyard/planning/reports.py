"""Reading the results of load tests: `vllm bench serve`, GuideLLM, inference-perf, AIPerf and GenAI-Perf.

Fields as vLLM's `--save-result` (with `--append-result` one object after another), GuideLLM's `benchmarks.json` (counts
and strategies stand elsewhere in 0.2 and 0.3 than later), inference-perf's `stage_N_lifecycle_metrics.json` and
AIPerf's `profile_export_aiperf.json` name them; GenAI-Perf's `profile_export_genai_perf.json` is the same as the last.
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
        finished: Requests that were finished; None where the result does not say it.
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
    finished: float | None = None


def load_results(content: Any) -> Iterator[LoadResult]:
    """Yield what a result file says, one entry a load.

    Raises:
        ValueError: It is no result that is known, or lacks something; the message says which.
    """
    if isinstance(content, list) and content:
        for each in content:
            yield from load_results(each)
        return
    if not isinstance(content, Mapping):
        raise ValueError("it is no JSON object")
    if "median_ttft_ms" in content or "mean_ttft_ms" in content:
        yield _vllm(content)
    elif isinstance(content.get("benchmarks"), list):
        if not content["benchmarks"]:
            raise ValueError("it holds no load: the run ended before one of them did")
        for each in content["benchmarks"]:
            yield _guidellm(each)
    elif isinstance(content.get("successes"), Mapping):
        yield _inference_perf(content)
    elif isinstance(content.get("time_to_first_token"), Mapping):
        yield _aiperf(content)
    else:
        raise ValueError("it is no result of vllm bench serve, GuideLLM, inference-perf, AIPerf or GenAI-Perf")


def _vllm(told: Mapping[str, Any]) -> LoadResult:
    completed = _number(told, "completed")
    if completed < 1:
        raise ValueError("no request was completed")
    output = _number(told, "total_output_tokens") / completed
    rate = _number(told, "request_throughput")
    ttft, itl = _number(told, "median_ttft_ms"), _number(told, "median_tpot_ms")
    mean = (_number(told, "mean_ttft_ms") + _number(told, "mean_tpot_ms") * max(0.0, output - 1)) / 1e3
    sent = told.get("request_rate")
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
        _backlog(sent, rate),
        completed,
    )


def _guidellm(told: Any) -> LoadResult:
    metrics = _mapping(told, "metrics")

    def of(name: str) -> Mapping[str, Any]:
        return _mapping(_mapping(metrics, name), "successful")

    ttft, itl = of("time_to_first_token_ms"), of("inter_token_latency_ms")
    higher = _higher((("ttft", ttft.get("percentiles"), 1.0), ("itl", itl.get("percentiles"), 1.0)))
    counts = _first(metrics.get("request_totals"), _in(told, "run_stats", "requests_made"))
    good, bad = (_count(counts, name) for name in ("successful", "errored"))
    rate = _number(of("requests_per_second"), "mean")
    strategy = _first(_in(told, "config", "strategy"), _in(told, "args", "strategy"))
    asked = strategy.get("rate") if strategy.get("type_") in ("constant", "poisson") else None
    return LoadResult(
        "GuideLLM",
        str(_in(told, "config", "backend", "model") or ""),
        _number(of("prompt_token_count"), "mean"),
        _number(of("output_token_count"), "mean"),
        rate,
        _number(of("request_concurrency"), "mean"),
        _median(ttft),
        _median(itl),
        higher,
        None,
        bad / (bad + good) if bad + good else 0.0,
        _backlog(asked, rate),
        good or None,
    )


def _inference_perf(told: Mapping[str, Any]) -> LoadResult:
    good = _mapping(told, "successes")
    latency, through = _mapping(good, "latency"), _mapping(good, "throughput")
    ttft, itl = _mapping(latency, "time_to_first_token"), _mapping(latency, "time_per_output_token")
    rate = _number(through, "requests_per_sec")
    lengths = good.get("prompt_len") if isinstance(good.get("prompt_len"), Mapping) else good.get("prompt_tokens")
    bad = _count(told.get("failures"), "count")
    count = _number(good, "count")
    load = told.get("load_summary")
    asked = load.get("requested_rate") if isinstance(load, Mapping) else None
    if isinstance(load, Mapping) and "send_duration" not in load and "requested_rate" not in load:
        raise ValueError("it sums up all stages, whose loads differ: give stage_N_lifecycle_metrics.json of each")
    return LoadResult(
        "inference-perf",
        "",
        _number(lengths, "mean"),
        _number(_mapping(good, "output_len"), "mean"),
        rate,
        rate * _number(_mapping(latency, "request_latency"), "mean"),
        _median(ttft) * 1e3,
        _median(itl) * 1e3,
        _higher((("ttft", ttft, 1e3), ("itl", itl, 1e3))),
        None,
        bad / (bad + count) if bad + count else 0.0,
        _backlog(asked, rate),
        count,
    )


def _aiperf(told: Mapping[str, Any]) -> LoadResult:
    ttft, itl = _mapping(told, "time_to_first_token"), _mapping(told, "inter_token_latency")
    for name, each in (("time_to_first_token", ttft), ("inter_token_latency", itl)):
        if each.get("unit") not in ("ms", "milliseconds"):
            raise ValueError(f"{name} is in {each.get('unit')!r}, expected ms")
    if told.get("was_cancelled") is True:
        raise ValueError("the run was cancelled: it did not hold its load to the end")
    rate = _number(_mapping(told, "request_throughput"), "avg")
    latency = _mapping(told, "request_latency")
    asked = _first(*_listed(told, "input_config", "phases")).get("rate")
    named = _first(*_listed(told, "input_config", "models", "items")).get("name")
    bad, good = (_count(told.get(name), "avg") for name in ("error_request_count", "request_count"))
    return LoadResult(
        "AIPerf",
        str(named or ""),
        _number(_mapping(told, "input_sequence_length"), "avg"),
        _number(_mapping(told, "output_sequence_length"), "avg"),
        rate,
        rate * _number(latency, "avg") / 1e3,
        _number(ttft, "p50"),
        _number(itl, "p50"),
        _higher((("ttft", ttft, 1.0), ("itl", itl, 1.0))),
        None,
        bad / (bad + good) if bad + good else 0.0,
        _backlog(asked, rate),
        good or None,
    )


def _higher(told: Sequence[tuple[str, Any, float]]) -> tuple[tuple[str, int, float], ...]:
    return tuple(
        (metric, percentile, float(value) * unit)
        for metric, values, unit in told
        if isinstance(values, Mapping)
        for percentile in PERCENTILES
        if isinstance(value := values.get(f"p{percentile}"), int | float) and not isinstance(value, bool)
    )


def _median(told: Mapping[str, Any]) -> float:
    """Return a median, which some versions call the 50th percentile."""
    higher = told.get("percentiles")
    for each, name in ((told, "median"), (told, "p50"), (higher, "p50")):
        if isinstance(each, Mapping) and each.get(name) is not None:
            return _number(each, name)
    raise ValueError("a median is missing")


def _in(told: Any, *names: str) -> Any:
    for name in names:
        told = told.get(name) if isinstance(told, Mapping) else None
    return told


def _listed(told: Any, *names: str) -> Sequence[Any]:
    found = _in(told, *names)
    return found if isinstance(found, list) else ()


def _first(*told: Any) -> Mapping[str, Any]:
    """Return the first that is a mapping; an empty one where none is."""
    return next((each for each in told if isinstance(each, Mapping)), {})


def _mapping(told: Any, name: str) -> Mapping[str, Any]:
    found = told.get(name) if isinstance(told, Mapping) else None
    if not isinstance(found, Mapping):
        raise ValueError(f"{name} is missing")
    return found


def _count(told: Any, name: str) -> float:
    """Return a number that a result may leave out; 0 where it does."""
    found = told.get(name) if isinstance(told, Mapping) else None
    return 0.0 if found is None else _number(told, name)


def _backlog(asked: Any, rate: float) -> float | None:
    """Return requests that were sent a second over those that were finished; None where none were sent at a rate."""
    if isinstance(asked, bool) or not isinstance(asked, int | float) or not 0 < asked < float("inf") or not rate:
        return None
    return asked / rate


def _number(told: Any, name: str) -> float:
    value = told.get(name) if isinstance(told, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise ValueError(f"{name} is {value!r}, expected a number" if value is not None else f"{name} is missing")
    return float(value)
