"""`modelyard fit`: a repository's models, one model without a repository, and start-up logs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Outcome

Run = Callable[..., Outcome]

LOG = """\
INFO 11-20 10:00:00 [api_server.py:1839] vLLM API server version 0.33.0
INFO 11-20 10:00:00 [utils.py:233] non-default args: {'model': 'Qwen/Qwen3-8B', 'max_model_len': 16384}
INFO 11-20 10:00:09 [core.py:77] Initializing a V1 LLM engine (v0.33.0) with config: model='Qwen/Qwen3-8B', \
max_seq_len=16384, tensor_parallel_size=1, pipeline_parallel_size=1, data_parallel_size=1, quantization=None
INFO 11-20 10:00:10 [utils.py:10] Free memory on device (21.8/22.03 GiB) on startup. Desired GPU memory utilization is \
(0.92, 20.27 GiB).
INFO 11-20 10:00:20 [gpu_model_runner.py:2602] Model loading took 15.2683 GiB and 2.9 seconds
INFO 11-20 10:00:30 [gpu_worker.py:298] Available KV cache memory: 3.55 GiB
"""


def settings(root: Path, **lines: object) -> None:
    """Set lines of the one model's settings file."""
    file = root / "overlays/qwen3-1-7b-vllm-gpu/vllm.yaml"
    kept = [line for line in file.read_text().splitlines() if line.partition(":")[0].replace("-", "_") not in lines]
    file.write_text("\n".join([*kept, *(f"{name.replace('_', '-')}: {value}" for name, value in lines.items())]) + "\n")


def test_a_model_that_fits(modelyard: Run, one_model: Path) -> None:
    outcome = modelyard("fit", str(one_model))
    assert outcome.code == 0, outcome.err
    assert "dev/chat  Qwen/Qwen3-1.7B  vLLM 0.33.0  fits" in outcome.out
    for device in ("A10G", "L4", "L40S"):
        assert f"  {device:<8} fits         weights 3.2 ▓" in outcome.out
    assert "closest measured run: " in outcome.out
    told = json.loads(modelyard("fit", str(one_model), "--env", "dev", "--model", "chat", "--json").out)
    [found] = told["models"]
    assert found["verdict"] == "fits"
    assert {each["device"]: each["verdict"] for each in found["devices"]} == dict.fromkeys(
        ("A10G", "L4", "L40S"), "fits"
    )
    assert found["devices"][0]["budget"]["weights-gib"] == pytest.approx(3.2, abs=0.1)
    assert "g6.xlarge" in {name for each in found["devices"] for name in each["instance-types"]}


def test_one_that_does_not_says_what_would(modelyard: Run, one_model: Path) -> None:
    settings(one_model, model="Qwen/Qwen3-8B", max_model_len=40960)
    outcome = modelyard("fit", str(one_model))
    assert outcome.code == 1
    assert "one request of 40960 tokens needs 5.6 GiB" in outcome.out
    assert "fix: max-model-len " in outcome.out


def test_an_unknown_model_is_not_checked(modelyard: Run, one_model: Path) -> None:
    settings(one_model, model="acme/chat-7b")
    outcome = modelyard("fit", str(one_model))
    assert outcome.code == 0
    assert "not checked\n  the shape of acme/chat-7b is not in the catalogue" in outcome.out
    assert modelyard("fit", str(one_model), "--strict").code == 3


def test_the_message_of_the_readme(modelyard: Run) -> None:
    outcome = modelyard("fit", "--model-id", "Qwen/Qwen3-32B", "--device", "H100")
    assert outcome.code == 1
    assert "does not fit weights 61.0 ▓" in outcome.out
    assert "of 72.8 GiB (H100 \u00d7 0.92)" in outcome.out
    assert "8.7 GiB per device are left for the KV cache; one request of 40960 tokens needs 10.0 GiB" in outcome.out
    assert "or: tensor-parallel-size 2: 38.7 GiB per GPU for 7 such requests" in outcome.out
    both = modelyard("fit", "--model-id", "Qwen/Qwen3-32B", "--device", "H100", "--tensor-parallel-size", "2", "--json")
    assert both.code == 0
    assert json.loads(both.out)["verdict"] == "fits"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "H100", "--tensor-parallel-size", "0"], "tensor-parallel-size is '0', expected a whole number"),
        (["--device", "H100", "--gpu-memory-utilization", "92"], "gpu-memory-utilization is '92', expected a number"),
        (["--device", "H1000"], "there is no device H1000"),
        ([], "--device is missing"),
        (["--device", "H100", "--engine-version", "newest"], "'newest' is no version of vLLM"),
        (["--device", "H100", "--flag", "max-modle-len=3"], "vLLM 0.33.0 has no flag max-modle-len"),
        (["--device", "H100", "--max-model-len", "8", "--flag", "max-model-len=9"], "max-model-len is given twice"),
        (["--device", "H100", "--flag", "=9"], "--flag =9 names no flag"),
    ],
)
def test_what_one_model_refuses(modelyard: Run, arguments: list[str], message: str) -> None:
    outcome = modelyard("fit", "--model-id", "Qwen/Qwen3-32B", *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_what_a_repository_refuses(modelyard: Run, one_model: Path, tmp_path: Path) -> None:
    for arguments, message in (
        (["--device", "H100"], "--device is for --model-id"),
        (["--model", "chart"], "there is no model chart"),
        (["--env", "prod"], "there is no environment prod"),
        (["--from-log", "none.log"], "there is no log none.log"),
        (["--from-log", "none.log", "--env", "dev"], "--from-log keeps a log for every environment"),
    ):
        outcome = modelyard("fit", str(one_model), *arguments)
        assert (outcome.code, message in outcome.err) == (2, True), outcome.err
    (tmp_path / "empty").mkdir()
    assert "holds no environments" in modelyard("fit", str(tmp_path / "empty")).err


def test_a_log_beats_the_estimate(modelyard: Run, one_model: Path, tmp_path: Path) -> None:
    settings(one_model, model="Qwen/Qwen3-8B", max_model_len=20000)
    assert "dev/chat  Qwen/Qwen3-8B  vLLM 0.33.0  tight" in modelyard("fit", str(one_model)).out
    log = tmp_path / "start.log"
    log.write_text(LOG)
    ambiguous = modelyard("fit", str(one_model), "--from-log", str(log))
    assert ambiguous.code == 2
    assert "its memory is that of A10G and L4" in ambiguous.err
    assert "has 79.2 GiB" in modelyard("fit", str(one_model), "--from-log", str(log), "--device", "H100").err
    assert not (one_model / "measurements").exists()
    for device in ("L4", "A10G"):
        kept = modelyard("fit", str(one_model), "--from-log", str(log), "--device", device)
        assert kept.code == 0, kept.err
        assert "measurements/Qwen--Qwen3-8B.yaml" in kept.out
    again = modelyard("fit", str(one_model), "--from-log", str(log), "--device", "L4", "--json")
    assert json.loads(again.out)["kv-available-gib"] == 3.55
    text = (one_model / "measurements/Qwen--Qwen3-8B.yaml").read_text()
    assert text.count("- log: start.log") == 2, text
    fits = modelyard("fit", str(one_model))
    assert "dev/chat  Qwen/Qwen3-8B  vLLM 0.33.0  fits" in fits.out
    assert "measured at start-up of this model, version and device" in fits.out
    # Another version is another matter.
    versions = one_model / "environments/dev/versions/kustomization.yaml"
    versions.write_text(versions.read_text().replace("newTag: v0.33.0", "newTag: v0.32.0"))
    assert "  tight\n" in modelyard("fit", str(one_model)).out


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("nothing of vLLM\n", "has no line that tells memory"),
        (LOG.replace("Qwen/Qwen3-8B", "/mnt/models/x"), "is of /mnt/models/x, which is not in the catalogue"),
        (LOG.replace("0.33.0", "x"), "does not tell vLLM's version"),
        (LOG.replace("Available KV", "Other"), "does not tell how much was left for the KV cache"),
    ],
)
def test_logs_that_tell_too_little(modelyard: Run, one_model: Path, tmp_path: Path, log: str, message: str) -> None:
    (tmp_path / "start.log").write_text(log)
    outcome = modelyard("fit", str(one_model), "--from-log", "start.log", "--device", "L4")
    assert outcome.code == 2
    assert message in outcome.err
    assert not (one_model / "measurements").exists()


@pytest.mark.parametrize(
    "content",
    [
        "[]\n",
        "model: Qwen/Qwen3-1.7B\nmeasurements:\n  - {version: 0.33.0, device: L4, kv-available-gib: many}\n",
        "model: Qwen/Qwen3-1.7B\nmeasurements:\n  - {version: 0.33.0, device: L4, speed: 3}\n",
        "model: Qwen/Qwen3-1.7B\nmeasurements:\n  - {version: 0.33.0, device: L4, kv-available-gib: .inf}\n",
    ],
)
def test_a_damaged_measurement_is_not_taken(modelyard: Run, one_model: Path, content: str) -> None:
    (one_model / "measurements").mkdir()
    (one_model / "measurements/Qwen--Qwen3-1.7B.yaml").write_text(content)
    outcome = modelyard("fit", str(one_model))
    assert outcome.code == 0
    assert "not checked\n  measurements/Qwen--Qwen3-1.7B.yaml: " in outcome.out
