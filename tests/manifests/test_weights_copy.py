"""The scripts of the feature `weights-copy`, run by their own shell against clients that note what they are asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from modelyard.tooling import Completed, run
from tests.manifests.composition import BASES, load

JOB = load(BASES / "features" / "weights-copy" / "job.yaml")
POD = JOB["spec"]["template"]["spec"]
STEPS = {step["name"]: step for step in (*POD["initContainers"], *POD["containers"])}
AWS = """#!/bin/sh
echo "aws $*" >> "$HOME/asked"
case "$2" in
  head-object) test -z "$ANSWER" || { echo "$ANSWER" >&2; exit 254; } ;;
  sync) exit "${SYNC:-0}" ;;
esac
"""
HF = """#!/bin/sh
echo "hf $*" >> "$HOME/asked"
mkdir -p "$HOME/weights"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name, text in (("aws", AWS), ("hf", HF)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def step(name: str, home: Path, **environment: str) -> Completed:
    main: dict[str, Any] = STEPS[name]
    known = {"PATH": f"{home}:{os.environ['PATH']}", "HOME": str(home), "MODEL_ID": "acme/chat", "WEIGHTS_BUCKET": "b"}
    return run([*main["command"], *main["args"]], cwd=home, timeout=60, env={**known, "ANSWER": "", **environment})


def asked(home: Path) -> list[str]:
    file = home / "asked"
    return file.read_text().splitlines() if file.exists() else []


def test_a_model_that_is_there_is_left_alone(home: Path) -> None:
    for name in STEPS:
        assert step(name, home).returncode == 0
    assert asked(home) == ["aws s3api head-object --bucket b --key acme/chat/.copied"]


def test_a_model_that_is_not_there_is_fetched_copied_and_marked_last(home: Path) -> None:
    answer = "An error occurred (404) when calling the HeadObject operation: Not Found"
    for name in STEPS:
        assert step(name, home, ANSWER=answer).returncode == 0, name
    head, fetched, copied, marked = asked(home)
    assert fetched.startswith(f"hf download acme/chat --revision main --local-dir {home}/weights ")
    assert copied.startswith("aws s3 sync ") and copied.endswith(f"{home}/weights s3://b/acme/chat")
    assert marked == "aws s3 cp - s3://b/acme/chat/.copied"
    assert "head-object" in head


def test_a_revision_is_fetched_and_marked_as_itself(home: Path) -> None:
    answer = "An error occurred (404) when calling the HeadObject operation: Not Found"
    for name in STEPS:
        assert step(name, home, ANSWER=answer, MODEL_REVISION="0e9e39f2").returncode == 0, name
    head, fetched, _, marked = asked(home)
    assert head.endswith("--key acme/chat/.copied-0e9e39f2")
    assert fetched.startswith("hf download acme/chat --revision 0e9e39f2 ")
    assert marked == "aws s3 cp - s3://b/acme/chat/.copied-0e9e39f2"


def test_a_copy_that_fails_leaves_no_mark(home: Path) -> None:
    assert step("copy", home, SYNC="1").returncode != 0
    assert [line for line in asked(home) if ".copied" in line] == []


def test_a_refusal_is_told_and_nothing_is_fetched(home: Path) -> None:
    completed = step("look", home, ANSWER="An error occurred (403) when calling the HeadObject operation: Forbidden")
    assert completed.returncode != 0
    assert "Forbidden" in completed.stderr


def test_argo_cd_waits_for_it_before_the_engine_and_after_its_settings() -> None:
    annotations = JOB["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/hook"] == "Sync"
    settings = (BASES / "features" / "weights-copy" / "kustomization.yaml").read_text()
    assert 'argocd.argoproj.io/sync-wave: "-2"' in settings
    assert annotations["argocd.argoproj.io/sync-wave"] == "-1"
    params = load(BASES / "platform" / "argocd" / "values.yaml")["configs"]["params"]
    assert JOB["spec"]["activeDeadlineSeconds"] < int(params["controller.sync.timeout.seconds"])
