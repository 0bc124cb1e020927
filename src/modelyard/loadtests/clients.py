"""What one client of a load test kept: a sample for each request, as its tool writes it.

Read are the tools' files with raw samples. A summary has percentiles of one client alone, and percentiles of several
clients cannot be worked out of theirs, so summaries are refused.

- `vllm bench serve --save-result --save-detailed`: `ttfts` and `itls` in seconds, `errors`, `output_lens`, one entry a
  request (vllm/benchmarks/serve.py of vLLM 0.33.0).
- AIPerf `profile_export.jsonl`: a line a request with `metrics` and their units, or `error` (aiperf 0.13.0,
  common/models/record_models.py).
- k6 `--out json`: a line a sample; `http_req_duration` in milliseconds, tagged `expected_response` (Grafana k6, JSON
  output).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelyard.repository.json import parsed

VLLM, AIPERF, K6 = "vllm bench serve", "AIPerf", "k6"
MOST_BYTES = 512 * 2**20
"""A larger result is refused."""
_MOST_VALUES = 50_000_000  # a client that keeps the time of each token has one value a token


class UnreadableResult(Exception):
    """A file that is no whole result of a client; its text says what was found and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientResult:
    """Samples of one client; times in seconds.

    Attributes:
        file: Where it was read.
        tool: What measured it.
        model: What was called; empty where the file does not say it.
        ttft: Time to the first token of each request that succeeded; empty where tokens are not streamed.
        inter_token: Time between tokens: each pause where `per_token`, else the mean of each request.
        per_token: Whether `inter_token` holds every pause.
        latency: Time of each whole request that succeeded; empty where the file does not say it.
        output_tokens: Tokens of all answers.
        failed: Requests that failed.
        duration: Seconds that the client ran.
        truncated: Whether the end of the file is missing; what was whole is here.
    """

    file: str
    tool: str
    model: str = ""
    ttft: Sequence[float] = ()
    inter_token: Sequence[float] = ()
    per_token: bool = True
    latency: Sequence[float] = ()
    output_tokens: int = 0
    failed: int = 0
    duration: float
    truncated: bool = False

    @property
    def succeeded(self) -> int:
        """Requests that were answered."""
        return max(len(self.ttft), len(self.latency))


def client_result(file: str, text: str) -> ClientResult:
    """Return what a client kept.

    Args:
        file: Its name, for messages.
        text: Its content.

    Raises:
        UnreadableResult: It is empty, cut off where nothing can be saved, or not a file with samples of these tools.
    """
    if not text.strip():
        raise UnreadableResult("the file is empty: the client ended before it wrote a result")
    first = text.lstrip().partition("\n")[0]
    try:
        head = parsed(first)
    except ValueError:
        head = None
    if isinstance(head, dict) and "metadata" in head and ("metrics" in head or "error" in head):
        return _aiperf(file, text)
    if isinstance(head, dict) and head.get("type") in ("Metric", "Point"):
        return _k6(file, text)
    try:
        whole = parsed(text, file, most=MOST_BYTES, values=_MOST_VALUES)
    except ValueError as error:
        raise UnreadableResult(
            f"it is not JSON ({error}): the file is cut off or another file; run the client again, or leave it out"
        ) from None
    if not isinstance(whole, dict):
        raise UnreadableResult("it is a JSON list; expected the result of one client")
    if "ttfts" in whole and "itls" in whole:
        return _vllm(file, whole)
    if "median_ttft_ms" in whole or "mean_ttft_ms" in whole:
        raise UnreadableResult("it is a summary of vllm bench serve without samples; run it with --save-detailed")
    if "time_to_first_token" in whole:
        raise UnreadableResult(
            "it is AIPerf's summary; name its profile_export.jsonl, which has a line for each request"
        )
    raise UnreadableResult("it is no result with samples of vllm bench serve, AIPerf or k6")


def _vllm(file: str, told: Mapping[str, Any]) -> ClientResult:
    ttfts, itls = _list(told, "ttfts"), _list(told, "itls")
    errors, lengths = _list(told, "errors"), _list(told, "output_lens")
    if not len(ttfts) == len(itls) == len(errors) == len(lengths):
        raise UnreadableResult(
            "ttfts, itls, errors and output_lens have different lengths; expected one entry a request"
        )
    good = [index for index, error in enumerate(errors) if not error]
    if not all(isinstance(itls[index], list) for index in good):
        raise UnreadableResult("itls holds what is no list; expected the times between the tokens of each request")
    pauses = [[_seconds(each, "itls") for each in itls[index]] for index in good]
    first = [_seconds(ttfts[index], "ttfts") for index in good]
    return ClientResult(
        file=file,
        tool=VLLM,
        model=str(told.get("model_id") or ""),
        ttft=first,
        inter_token=[each for pause in pauses for each in pause],
        latency=[start + sum(pause) for start, pause in zip(first, pauses, strict=True)],
        output_tokens=sum(int(_seconds(lengths[index], "output_lens")) for index in good),
        failed=len(errors) - len(good),
        duration=_seconds(told.get("duration"), "duration"),
    )


def _aiperf(file: str, text: str) -> ClientResult:
    rows, truncated = _lines(text)
    ttft: list[float] = []
    pauses: list[float] = []
    latency: list[float] = []
    starts: list[float] = []
    ends: list[float] = []
    failed = tokens = 0
    for row in rows:
        about = row.get("metadata")
        metrics = row.get("metrics") or {}
        if not isinstance(about, Mapping) or not isinstance(metrics, Mapping):
            raise UnreadableResult("a line has no metadata; expected AIPerf's profile_export.jsonl")
        if about.get("benchmark_phase", "profiling") != "profiling":
            continue
        starts.append(_seconds(about.get("request_start_ns"), "request_start_ns") / 1e9)
        ends.append(_seconds(about.get("request_end_ns"), "request_end_ns") / 1e9)
        if row.get("error") or about.get("was_cancelled"):
            failed += 1
            continue
        latency.append(_metric(metrics, "request_latency"))
        if "time_to_first_token" in metrics:
            ttft.append(_metric(metrics, "time_to_first_token"))
        if "inter_token_latency" in metrics:
            pauses.append(_metric(metrics, "inter_token_latency"))
        length = metrics.get("output_sequence_length") or metrics.get("output_token_count") or {}
        told = length.get("value") if isinstance(length, Mapping) else length
        tokens += int(_seconds(told or 0, "output_sequence_length"))
    if not starts:
        raise UnreadableResult("it has no request of the phase profiling")
    return ClientResult(
        file=file,
        tool=AIPERF,
        ttft=ttft,
        inter_token=pauses,
        per_token=False,
        latency=latency,
        output_tokens=tokens,
        failed=failed,
        duration=max(ends) - min(starts),
        truncated=truncated,
    )


def _k6(file: str, text: str) -> ClientResult:
    rows, truncated = _lines(text)
    latency: list[float] = []
    times: list[float] = []
    failed = 0
    for row in rows:
        data = row.get("data")
        if row.get("type") != "Point" or row.get("metric") != "http_req_duration" or not isinstance(data, Mapping):
            continue
        try:
            times.append(datetime.fromisoformat(str(data.get("time"))).timestamp())
        except (ValueError, OverflowError):
            raise UnreadableResult(f"a sample has the time {data.get('time')!r}; expected k6's JSON output") from None
        seconds = _seconds(data.get("value"), "http_req_duration") / 1e3
        tags = data.get("tags")
        if isinstance(tags, Mapping) and tags.get("expected_response") == "false":
            failed += 1
        else:
            latency.append(seconds)
    if not times:
        raise UnreadableResult("it has no sample of http_req_duration; run k6 with --out json=FILE")
    # A sample has the time of its end.
    begun = min(end - (latency[0] if latency else 0.0) for end in times[:1])
    return ClientResult(
        file=file, tool=K6, latency=latency, failed=failed, duration=max(times) - begun, truncated=truncated
    )


def _lines(text: str) -> tuple[list[Mapping[str, Any]], bool]:
    """Return the objects of a file of lines, and whether its last line is cut off."""
    rows: list[Mapping[str, Any]] = []
    lines = [line for line in text.split("\n") if line.strip()]
    for number, line in enumerate(lines, 1):
        try:
            row = parsed(line)
        except ValueError:
            if number == len(lines):
                return rows, True
            raise UnreadableResult(f"line {number} is not JSON, and lines follow it") from None
        if not isinstance(row, dict):
            raise UnreadableResult(f"line {number} is not a JSON object")
        rows.append(row)
    return rows, False


_UNITS = {"ms": 1e3, "milliseconds": 1e3, "s": 1.0, "sec": 1.0, "seconds": 1.0, "ns": 1e9, "us": 1e6}


def _metric(metrics: Mapping[str, Any], name: str) -> float:
    told = metrics.get(name)
    unit = _UNITS.get(str(told.get("unit"))) if isinstance(told, Mapping) else None
    if not isinstance(told, Mapping) or unit is None:
        raise UnreadableResult(f"{name} of a request is {told!r}; expected a value with a unit of time")
    return _seconds(told.get("value"), name) / unit


def _list(told: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = told.get(name)
    if not isinstance(value, list):
        raise UnreadableResult(f"{name} is missing; run vllm bench serve with --save-result --save-detailed")
    return value


def _seconds(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e20:
        raise UnreadableResult(f"{name} holds {value!r}; expected a number that is not negative")
    return float(value)
