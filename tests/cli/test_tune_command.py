"""`modelyard tune`: what holds a model back, and the change that helps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelyard.planning import Observed, observed

from .conftest import Outcome

Run = Callable[..., Outcome]
OBJECTIVES = "environments/dev/models/chat/objectives.yaml"


def answer(**values: float) -> dict[str, object]:
    """Return what Prometheus answers."""
    result = [
        {"metric": {"__name__": f"vllm:{name}", "pod": "chat-0"}, "value": [1764496800, str(value)]}
        for name, value in values.items()
    ]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def test_answers_of_prometheus_are_summed() -> None:
    replicas = [answer(num_requests_running=3, kv_cache_usage_perc=0.4), answer(num_requests_running=5, other=1)]
    assert observed(replicas) == Observed(8, None, 0.4)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"status": "error"}, "no answer of Prometheus"),
        ({"status": "success", "data": {}}, "data.result is missing"),
        (answer(other=1), "it has none of"),
        ({"status": "success", "data": {"result": [{"metric": {"__name__": "vllm:num_requests_running"}}]}}, "value"),
        (answer(kv_cache_usage_perc=97), "a share lies between 0 and 1"),
        (answer(num_requests_waiting=-1), "is -1, of which nothing follows"),
        (
            {
                "status": "success",
                "data": {"result": [{"metric": {"__name__": "vllm:num_requests_running"}, "values": []}]},
            },
            "answers query_range",
        ),
    ],
)
def test_what_is_no_answer(content: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        observed(content)


def test_bottlenecks(modelyard: Run, one_model: Path, tmp_path: Path) -> None:
    def tuned(itl: str, rate: float, *more: str) -> tuple[int, dict[str, Any]]:
        (one_model / OBJECTIVES).write_text(f"itl: {itl}\nrate: {rate}\nprompt: 1000\noutput: 200\n")
        outcome = modelyard("tune", "chat", "--env", "dev", "--repository", str(one_model), "--json", *more)
        return outcome.code, json.loads(outcome.out)

    code, found = tuned("8ms", 1)
    assert (code, found["bottleneck"]) == (1, "device")
    assert found["then"]["verdict"] == "meets"
    assert found["command"].startswith("modelyard plan chat --env dev --apply ")
    code, found = tuned("60ms", 20)
    assert (code, found["bottleneck"]) == (1, "replicas")
    assert "more requests arrive than 1 replica can finish" in found["because"]
    assert found["then"]["verdict"] == "meets"
    code, found = tuned("80ms", 0.2)
    assert (code, found["bottleneck"], found["command"]) == (0, "nothing", "")
    said = tmp_path / "answers.json"
    said.write_text(json.dumps(answer(kv_cache_usage_perc=0.97)))
    code, found = tuned("80ms", 0.2, "--prometheus", str(said))
    assert (code, found["bottleneck"]) == (1, "KV cache")
    assert found["then"]["verdict"] == "meets"
    (one_model / OBJECTIVES).unlink()
    refused = modelyard("tune", "chat", "--env", "dev", "--repository", str(one_model))
    assert refused.code == 2
    assert "has no objectives" in refused.err
