"""`modelyard plan`: candidates of a repository's pools, what is applied, load tests, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.planning.test_objectives_and_runs import VLLM

from .conftest import Outcome

Run = Callable[..., Outcome]
LOAD = ("--rate", "6", "--prompt", "1500", "--output", "300")
ASKED = ("chat", "--env", "dev", "--ttft", "800ms", "--itl", "30ms", *LOAD)
FOLDER = "environments/dev/models/chat"


def plan(modelyard: Run, root: Path, *more: str) -> dict[str, Any]:
    outcome = modelyard("plan", *ASKED, "--repository", str(root), "--json", *more)
    assert outcome.code == 0, outcome.err
    told: dict[str, Any] = json.loads(outcome.out)
    return told


def test_a_plan_and_its_application(modelyard: Run, one_model: Path) -> None:
    found = plan(modelyard, one_model)
    best = found["candidates"][found["best"] - 1]
    assert best["verdict"] == "meets"
    assert best["pool"] == "gpu"
    assert list(best["ttft-ms"].values()) == sorted(best["ttft-ms"].values())
    assert best["ttft-ms"]["deciding"] <= 800
    assert best["itl-ms"]["deciding"] <= 30
    assert "estimated" in best["rests-on"]
    assert best["usd-per-hour"] > 0
    same = [c for c in found["candidates"] if c["verdict"] == "meets" and c["pool"]]
    assert best["usd-per-hour"] == min(c["usd-per-hour"] for c in same)
    # A million tokens cost what an hour does over the tokens of an hour.
    assert best["usd-per-mtok"] == pytest.approx(best["usd-per-hour"] / (6 * 3600 * 1800) * 1e6)
    text = modelyard("plan", *ASKED, "--repository", str(one_model), "--what-if")
    assert f">{found['best']:>3} {best['instance-type']}" in text.out
    assert "what if: requests/s" in text.out
    assert f"--apply {found['best']}" in text.out
    applied = modelyard("plan", *ASKED, "--repository", str(one_model), "--apply", str(found["best"]), "--no-check")
    assert applied.code == 0, applied.err
    kustomization = (one_model / FOLDER / "kustomization.yaml").read_text()
    assert f"--max-num-seqs={best['settings']['max-num-seqs']}" in kustomization
    assert (one_model / FOLDER / "objectives.yaml").read_text().startswith("# What this model is to achieve")
    # What was applied is what stands there now, and the file is enough to plan again.
    again = modelyard("plan", "chat", "--env", "dev", "--repository", str(one_model), "--json")
    now = json.loads(again.out)["now"]
    assert (now["instance-type"], now["replicas"]) == (best["instance-type"], best["replicas"])
    assert now["verdict"] == "meets"


def test_what_cannot_be_is_said(modelyard: Run, one_model: Path) -> None:
    outcome = modelyard("plan", "chat", "--env", "dev", "--itl", "1ms", *LOAD, "--repository", str(one_model))
    assert outcome.code == 1
    assert "cannot: 11 ms between tokens at the least: each token reads 3.4 GB of weights" in outcome.out
    assert "nothing that the pools have meets the objectives" in outcome.out


def test_own_runs_are_kept_and_used(modelyard: Run, one_model: Path, tmp_path: Path) -> None:
    at = ("chat", "--env", "dev", "--repository", str(one_model))
    result = tmp_path / "bench.json"
    # Qwen3-1.7B on an L4 reads its weights in 11.5 ms.
    result.write_text(json.dumps({**VLLM, "median_tpot_ms": 16.0, "mean_tpot_ms": 16.0, "median_ttft_ms": 150.0}))
    kept = modelyard("plan", *at, "--from-bench", str(result), "--device", "L4")
    assert kept.code == 0, kept.err
    assert "1 run kept in measurements/Qwen--Qwen3-1.7B.load.yaml" in kept.out
    found = plan(modelyard, one_model)
    own = [c for c in found["candidates"] if c["calibrated"]]
    assert own
    assert {c["device"] for c in own} == {"L4"}
    assert "calibrated by 1 run of this deployment, vLLM 0.33.0" in own[0]["rests-on"]
    for change, told in (({"median_tpot_ms": 3.0}, "below the floor"), ({"completed": 10}, "requests failed")):
        result.write_text(json.dumps({**VLLM, "median_ttft_ms": 150.0, **change}))
        before = (one_model / "measurements/Qwen--Qwen3-1.7B.load.yaml").read_text()
        refused = modelyard("plan", *at, "--from-bench", str(result), "--device", "L4")
        assert refused.code == 2
        assert told in refused.err
        assert (one_model / "measurements/Qwen--Qwen3-1.7B.load.yaml").read_text() == before
    # Results that were appended to one file: the one past saturation is left out.
    fast = {**VLLM, "median_tpot_ms": 16.0, "mean_tpot_ms": 16.0, "median_ttft_ms": 150.0}
    result.write_text("\n".join(json.dumps({**fast, "request_rate": rate}) for rate in (1.0, 9.0)))
    several = modelyard("plan", *at, "--from-bench", str(result), "--device", "L4", "--dry-run")
    assert several.code == 0, several.err
    assert "bench.json: a load is left out: 9.00 times as many requests were sent" in several.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("chat", "--env", "dev", "--itl", "30ms"), "rate and concurrency: name one of the two"),
        (("other", "--env", "dev", "--itl", "30ms", *LOAD), "dev has no model other"),
        ((*ASKED, "--apply", "999"), "there is no candidate 999"),
        ((*ASKED, "--from-bench", "no.json"), "there is no result no.json"),
        ((*ASKED, "--rate", "0"), "rate is 0, expected a number above 0"),
        ((*ASKED, "--prompt", "9000000"), "tokens is longer than chat takes, "),
    ],
)
def test_refusals(modelyard: Run, bases: dict[str, Path], arguments: tuple[str, ...], told: str) -> None:
    outcome = modelyard("plan", *arguments, "--repository", str(bases["one-model"]))
    assert outcome.code == 2
    assert told in outcome.err


def test_what_is_not_modelled_is_refused(modelyard: Run, one_model: Path) -> None:
    file = one_model / "overlays/qwen3-1-7b-vllm-gpu/vllm.yaml"
    file.write_text(file.read_text() + 'speculative-config: \'{"method": "ngram", "num_speculative_tokens": 3}\'\n')
    outcome = modelyard("plan", *ASKED, "--repository", str(one_model))
    assert outcome.code == 2
    assert "speculative decoding is not modelled" in outcome.err
