"""Percentiles of several clients are those of all their samples, and what is missing is said."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from modelyard.cli.application import application
from modelyard.loadtests import CURVE, UnreadableResult, client_result, merged
from modelyard.loadtests.report import percentile

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "load-report-v1.schema.json"
CLIENTS = 4
REQUESTS = 250
PAUSES = 8


def ttft(client: int, request: int) -> float:
    """Seconds to the first token: three quick clients and one that is ten times slower."""
    return (0.1 + 0.0004 * request) * (10 if client == 3 else 1)


def vllm(client: int, failures: int = 0, model: str = "chat") -> str:
    """What `vllm bench serve --save-result --save-detailed` keeps."""
    failed = [index < failures for index in range(REQUESTS)]
    return json.dumps(
        {
            "model_id": model,
            "duration": 50.0,
            "ttfts": [0.0 if bad else ttft(client, index) for index, bad in enumerate(failed)],
            "itls": [[] if bad else [0.02] * (PAUSES - 1) + [0.05] for bad in failed],
            "errors": ["connection reset" if bad else "" for bad in failed],
            "output_lens": [0 if bad else PAUSES + 1 for bad in failed],
        }
    )


def aiperf(client: int) -> str:
    """What AIPerf writes into profile_export.jsonl, with a request of its warm-up."""
    rows: list[dict[str, Any]] = []
    for index in range(REQUESTS):
        about: dict[str, object] = {"benchmark_phase": "warmup" if index == 0 else "profiling", "was_cancelled": False}
        about |= {"request_start_ns": index * 10**8, "request_end_ns": (index + 5) * 10**8}
        if index == 1:
            rows.append({"metadata": about, "metrics": {}, "error": {"message": "503", "code": 503}})
            continue
        values = {
            "time_to_first_token": ttft(client, index) * 1000,
            "inter_token_latency": 20.0,
            "request_latency": 500.0,
        }
        metrics: dict[str, Any] = {name: {"value": value, "unit": "ms"} for name, value in values.items()}
        rows.append(
            {
                "metadata": about,
                "metrics": {**metrics, "output_sequence_length": {"value": 9, "unit": "tokens"}},
                "error": None,
            }
        )
    return "\n".join(map(json.dumps, rows)) + "\n"


def k6() -> str:
    """What `k6 run --out json` writes: declarations, and samples of several metrics."""
    rows: list[dict[str, Any]] = [
        {"type": "Metric", "data": {"name": "http_req_duration"}, "metric": "http_req_duration"}
    ]
    for index in range(REQUESTS):
        tags = {"expected_response": "false" if index % 50 == 0 else "true", "status": "200"}
        time = f"2026-11-30T10:00:{index // 10:02}.{index % 10}00000000Z"[:26] + "Z"
        rows.append({"type": "Point", "metric": "vus", "data": {"time": time, "value": 1, "tags": {}}})
        rows.append(
            {"type": "Point", "metric": "http_req_duration", "data": {"time": time, "value": 5.0 + index, "tags": tags}}
        )
    return "\n".join(map(json.dumps, rows)) + "\n"


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(application(), ["loadtest", "report", *words])
    return done.exit_code, done.stdout, done.stderr


def write(folder: Path, texts: Sequence[str]) -> list[str]:
    for number, text in enumerate(texts):
        (folder / f"client-{number}.json").write_text(text)
    return [str(folder / f"client-{number}.json") for number in range(len(texts))]


def test_percentiles_are_of_all_samples_and_not_means_of_the_clients() -> None:
    results = [client_result(str(client), vllm(client)) for client in range(CLIENTS)]
    found = merged(results).percentiles["ttft"]
    everything = sorted(ttft(client, request) for client in range(CLIENTS) for request in range(REQUESTS))
    assert found.samples == CLIENTS * REQUESTS
    assert (found.p50, found.p95, found.p99) == tuple(everything[int(share * 1000) - 1] for share in (0.5, 0.95, 0.99))
    means = sum(percentile(sorted(each.ttft), 0.95) for each in results) / CLIENTS
    assert found.p95 > 2 * means, "the slow client is a quarter of the requests, which a mean hides"


def test_every_pause_between_tokens_counts_where_the_client_kept_it() -> None:
    made = merged([client_result("a", vllm(0))])
    pauses = made.percentiles["inter-token"]
    assert made.per_token and pauses.samples == REQUESTS * PAUSES
    assert (pauses.p50, pauses.p95) == (0.02, 0.05), "one pause in eight is long, and a mean of each request hides it"
    assert made.requests_per_second == REQUESTS / 50 and made.tokens_per_second == REQUESTS * (PAUSES + 1) / 50


def test_failed_requests_are_counted_and_have_no_time() -> None:
    made = merged([client_result("a", vllm(0, failures=50)), client_result("b", vllm(1))])
    assert (made.requests, made.failed) == (2 * REQUESTS - 50, 50)
    assert made.percentiles["ttft"].samples == 2 * REQUESTS - 50
    assert made.content()["error-ratio"] == 0.1


def test_aiperf_s_warm_up_is_left_out_and_its_units_are_read() -> None:
    made = merged([client_result("a", aiperf(0)), client_result("b", aiperf(3))])
    assert (made.requests, made.failed, made.per_token) == (2 * (REQUESTS - 2), 2, False)
    assert made.percentiles["latency"].p50 == 0.5 and made.percentiles["inter-token"].p99 == 0.02
    assert made.percentiles["ttft"].p99 == pytest.approx(ttft(3, REQUESTS - 4), rel=0.01)


def test_lines_that_aiperf_wrote_are_taken() -> None:
    made = merged([client_result("a", (Path(__file__).parent / "data" / "aiperf-0.13.0.jsonl").read_text())])
    assert (made.requests, made.failed) == (6, 0)
    assert 0.2 <= made.percentiles["ttft"].p50 < 0.6 and 0.02 < made.percentiles["inter-token"].p50 < 0.05


def test_the_page_has_curves_and_says_what_is_asked(tmp_path: Path) -> None:
    files = write(tmp_path, [vllm(client) for client in range(CLIENTS)])
    page = tmp_path / "page.html"
    code, out, _ = run(*files, "--objective", "ttft-p95=500ms", "-o", str(page))
    assert code == 1 and "missed" in out
    text = page.read_text()
    told = json.loads(text.partition('<script type="application/json" id="data">')[2].partition("</script>")[0])
    assert told["shares"] == list(CURVE) and set(told["curves"]) == set(told["seconds"])
    for name, values in told["curves"].items():
        assert list(values) == sorted(values) and values[49] == told["seconds"][name]["p50"]
    assert "default-src 'none'" in text and "http-equiv" in text
    code, _, err = run(*files, "-o", str(tmp_path / "page.svg"))
    assert code == 2 and "ends in .html" in err and not (tmp_path / "page.svg").exists()


def test_k6_gives_the_time_of_requests_alone() -> None:
    made = merged([client_result("a", k6())])
    assert set(made.percentiles) == {"latency"} and made.failed == 5 and made.requests == REQUESTS - 5
    assert made.percentiles["latency"].p50 == pytest.approx(0.130, abs=0.002)
    assert made.requests_per_second == pytest.approx(245 / 24.9, rel=0.01)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        (vllm(0)[:-40], "the file is cut off"),
        ("[1, 2]", "JSON list"),
        ('{"median_ttft_ms": 12.0}', "--save-detailed"),
        ('{"time_to_first_token": {"avg": 1}}', "profile_export.jsonl"),
        ('{"hello": 1}', "no result with samples"),
        ('{"ttfts": [1.0], "itls": [], "errors": [""], "output_lens": [1]}', "different lengths"),
        ('{"ttfts": [-1], "itls": [[]], "errors": [""], "output_lens": [1], "duration": 1}', "not negative"),
        ('{"metadata": {}, "metrics": {}}\nnonsense\n{"metadata": {}}', "line 2 is not JSON"),
        ('{"type": "Metric"}\n', "no sample of http_req_duration"),
    ],
)
def test_a_file_that_gives_nothing_says_why(text: str, said: str) -> None:
    with pytest.raises(UnreadableResult, match=said):
        client_result("a", text)


def test_a_file_of_lines_that_is_cut_off_keeps_its_whole_lines(tmp_path: Path) -> None:
    whole = aiperf(0)
    files = write(tmp_path, [whole[: len(whole) // 2], aiperf(1)])
    code, out, _ = run(*files)
    assert code == 3 and "is cut off; its whole lines are counted" in out
    assert client_result("a", whole[: len(whole) // 2]).succeeded == pytest.approx(REQUESTS / 2, abs=3)


def test_half_of_the_clients_are_dead(tmp_path: Path) -> None:
    files = write(tmp_path, [vllm(0), "", vllm(1)[:-9], vllm(2)])
    code, out, _ = run(*files, "--clients", "8", "--json")
    told = json.loads(out)
    jsonschema.validate(told, json.loads(SCHEMA.read_text()))
    assert code == 3 and told["complete"] is False
    assert (told["clients"], told["clients-expected"], told["requests"]) == (2, 8, 2 * REQUESTS)
    assert [each["file"] for each in told["left-out"]] == [files[1], files[2]]


@pytest.mark.parametrize(
    ("texts", "said"), [([vllm(0), aiperf(0)], "by tool"), ([vllm(0), vllm(1, model="other")], "by model")]
)
def test_results_of_different_tests_are_not_mixed(tmp_path: Path, texts: list[str], said: str) -> None:
    files = write(tmp_path, texts)
    code, out, err = run(*files)
    assert (code, out) == (2, "") and said in err and files[0] in err and files[1] in err


def test_objectives_decide_the_exit_code(tmp_path: Path) -> None:
    files = write(tmp_path, [vllm(client) for client in range(CLIENTS)])
    code, out, _ = run(*files, "--objective", "ttft-p50=500ms", "--objective", "inter-token-p95=0.06s")
    assert code == 0 and out.count("\nmet: ") == 2
    code, out, _ = run(*files, "--objective", "ttft-p95=500ms", "--format", "markdown")
    assert code == 1 and "- missed: time to the first token P95 at most 500 ms" in out and "|---|---:|" in out
    code, out, _ = run(*write(tmp_path, [k6()]), "--objective", "ttft-p95=500ms")
    assert code == 3 and "not checked: time to the first token P95" in out


@pytest.mark.parametrize("words", [["--objective", "ttft=5"], ["--format", "xml"]])
def test_what_cannot_be_meant_is_refused(tmp_path: Path, words: list[str]) -> None:
    code, out, err = run(*write(tmp_path, [vllm(0)]), *words)
    assert (code, out) == (2, "") and "fix:" in err


def test_no_file_at_all(tmp_path: Path) -> None:
    code, out, err = run(str(tmp_path / "missing.json"))
    assert (code, out) == (2, "") and "no such file" in err


def test_a_pipe_that_nobody_writes_to_and_a_device_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file in (str(tmp_path / "pipe"), "/dev/zero", str(tmp_path)):
        result = CliRunner().invoke(application(), ["loadtest", "report", file])
        assert result.exit_code == 2
        assert "no ordinary file" in result.output or "is a directory" in result.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '{"ttfts": [0.1], "itls": [0.02], "errors": [""], "output_lens": [2], "duration": 1}',
            "itls holds what is no",
        ),
        ('{"ttfts": [0.1], "itls": [[]], "errors": [""], "output_lens": [[]], "duration": 1}', "output_lens holds"),
    ],
)
def test_what_has_another_type_is_said(text: str, said: str) -> None:
    with pytest.raises(UnreadableResult, match=said):
        client_result("a", text)


def test_k6_without_tags_is_a_success() -> None:
    data = {"time": "2026-11-30T10:00:00Z", "value": 5, "tags": "x"}
    row = {"type": "Point", "metric": "http_req_duration", "data": data}
    assert client_result("a", json.dumps(row)).failed == 0
