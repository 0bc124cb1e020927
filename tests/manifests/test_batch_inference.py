"""What the pods of an offline run do around the engine, by their own scripts; and that the run is seen as a model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from modelyard.tooling import Completed, run
from tests.manifests.composition import BASES, Repository, build, load, one

POD = load(BASES / "features" / "batch-inference" / "cron-job.yaml")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
STEPS = {each["name"]: each for each in (*POD["initContainers"], *POD["containers"])}
AWS = """#!/bin/sh
[ -z "$REFUSES" ] || { echo "fatal error: An error occurred (AccessDenied)" >&2; exit 1; }
eval target=\\${$#}
eval source=\\${$(($# - 1))}
place() { case $1 in s3://*) echo "$WORK/../bucket/${1#s3://}" ;; *) echo "$1" ;; esac; }
mkdir -p "$(dirname "$(place "$target")")" && cp "$(place "$source")" "$(place "$target")"
"""
VLLM = """#!/bin/sh
printf '%s\\n' "$@" > "$WORK/told"
sed 's/custom_id/answer_to/' "$WORK/requests.jsonl" > "$WORK/answers.jsonl"
exit "$ENDS"
"""


def ran(folder: Path, name: str, **environment: str) -> Completed:
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for program, text in {"aws": AWS, "vllm": VLLM, "sleep": "#!/bin/sh\nexec /bin/sleep 0.02\n"}.items():
        (programs / program).write_text(text)
        (programs / program).chmod(0o755)
    told = {"MODEL_NAME": "chat", "RUN": "chat-202612010100", "WEIGHTS_BUCKET": "weights", "JOB_COMPLETION_INDEX": "1"}
    told |= {"WORK": str(folder / "work"), "ENDS": "0", "PATIENCE": "1", **environment}
    shell, flags, script = STEPS[name]["command"]
    script = script.replace("$(MODEL_NAME)", "chat").replace("/tmp/batch", str(folder / "work"))  # noqa: S108
    return run([shell, flags, script], timeout=60, env={"PATH": f"{programs}:{os.environ['PATH']}", **told})


def asked(folder: Path, text: str = '{"custom_id": 1}\n') -> None:
    place = folder / "bucket/weights/batch/chat/input/1.jsonl"
    place.parent.mkdir(parents=True)
    place.write_text(text)


def test_a_file_of_requests_becomes_one_of_answers(tmp_path: Path) -> None:
    asked(tmp_path)
    for name in ("requests", "vllm", "answers"):
        done = ran(tmp_path, name)
        assert (done.returncode, done.stderr) == (0, ""), name
    answers = tmp_path / "bucket/weights/batch/chat/output/chat-202612010100/1.jsonl"
    assert answers.read_text() == '{"answer_to": 1}\n'
    words = (tmp_path / "work/told").read_text().split()
    assert words[0] == "run-batch" and "--served-model-name=chat" in words


def test_an_engine_that_fails_keeps_its_answers_and_fails_the_pod(tmp_path: Path) -> None:
    asked(tmp_path)
    assert ran(tmp_path, "requests").returncode == 0
    assert ran(tmp_path, "vllm", ENDS="3").returncode == 3
    assert ran(tmp_path, "answers").returncode == 3
    assert list((tmp_path / "bucket").rglob("output/*/1.jsonl"))


def test_what_cannot_work_is_said(tmp_path: Path) -> None:
    asked(tmp_path, "")
    done = ran(tmp_path, "requests")
    assert done.returncode == 1 and "input/1.jsonl is empty" in done.stderr
    assert "AccessDenied" in ran(tmp_path, "requests", REFUSES="1").stderr
    (tmp_path / "work/alive").touch()
    done = ran(tmp_path, "answers")
    assert done.returncode == 1 and "ended without a word" in done.stderr


@pytest.mark.parametrize("overlay", ["qwen3-1-7b-vllm-gpu", "qwen3-coder-480b-a35b-instruct-fp8-vllm-gpu"])
def test_the_run_has_the_devices_nodes_and_volumes_of_the_model(tmp_path: Path, overlay: str) -> None:
    resources = build(Repository(tmp_path).model("chat", overlay, ["batch-inference"]))
    serving: dict[str, Any] = one(resources, "Deployment")["spec"]["template"]["spec"]
    offline: dict[str, Any] = one(resources, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    for field in ("nodeSelector", "affinity", "tolerations", "volumes"):
        assert offline[field] == serving[field]
    for field in ("env", "resources", "volumeMounts", "image"):
        assert offline["containers"][0][field] == serving["containers"][0][field]
    assert "overlay" not in str(offline["nodeSelector"])
