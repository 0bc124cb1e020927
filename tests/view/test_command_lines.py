"""What an engine is told, in whichever form a container says it, and which containers run one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard.rendering import Resource
from modelyard.repository import Repository
from modelyard.view import Manifest
from modelyard.view.engines import engine_in
from modelyard.view.settings import DeclaredSettings
from modelyard.view.workloads import workload

VARIABLES = [
    {"name": "MODEL", "value": "Qwen/Qwen3-8B"},
    {"name": "RANKS", "valueFrom": {"configMapKeyRef": {"name": "sizes", "key": "ranks"}}},
    {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}},
    {"name": "EXTRA", "value": "--enforce-eager --max-num-seqs 16"},
]


def manifest(root: Path, value: dict[str, Any]) -> Manifest:
    return Manifest(Repository(root), "", Resource(value, None, ()))


def deployment(root: Path, container: dict[str, Any], kind: str = "Deployment") -> Manifest:
    """Return a workload of one container, which has the variables above."""
    container = {"name": "server", "image": "vllm/vllm-openai:v0.24.0", "env": VARIABLES, **container}
    spec = {"template": {"spec": {"containers": [container]}}}
    version = {"Deployment": "apps/v1", "Job": "batch/v1"}[kind]
    return manifest(root, {"apiVersion": version, "kind": kind, "metadata": {"name": "chat"}, "spec": spec})


def settings(root: Path, **container: Any) -> DeclaredSettings | None:
    """Return what the engine of a container is told; None where no engine runs in it."""
    held = workload(deployment(root, container))
    assert held is not None
    found = engine_in(held)
    if found is None:
        return None
    sizes = manifest(
        root, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "sizes"}, "data": {"ranks": "4"}}
    )
    return found[0].settings(found[2], [sizes])


SAME = {"model": "Qwen/Qwen3-8B", "tensor-parallel-size": 4}


@pytest.mark.parametrize(
    "container",
    [
        {"args": ["--model", "Qwen/Qwen3-8B", "--tensor-parallel-size=4"]},
        {"args": ["Qwen/Qwen3-8B", "-tp", "4"]},
        {"args": ["serve", "Qwen/Qwen3-8B", "-tp=4"], "command": ["vllm"]},
        {"command": ["vllm", "serve", "Qwen/Qwen3-8B", "--tensor_parallel_size", "4"]},
        {"command": ["vllm", "serve"], "args": ["$(MODEL)", "--tensor-parallel-size=$(RANKS)"]},
        {
            "command": ["python3", "-m", "vllm.entrypoints.openai.api_server"],
            "args": ["--model", "$(MODEL)", "--tensor-parallel-size", "4"],
        },
        {"command": ["/bin/sh", "-c"], "args": ["vllm serve Qwen/Qwen3-8B --tensor-parallel-size 4"]},
        {"command": ["bash", "-euo", "pipefail", "-c", "exec vllm serve $MODEL -tp ${RANKS}"]},
        {"command": ["sh", "-c", 'vllm serve "$@"', "--"], "args": ["Qwen/Qwen3-8B", "--tensor-parallel-size=4"]},
        {
            "command": [
                "sh",
                "-c",
                "export M=Qwen/Qwen3-8B\nvllm serve $M \\\n  --tensor-parallel-size ${N:-4} # ranks\n",
            ]
        },
        {"command": ["sh", "-c", "# The model's own\n  # it isn't much\nvllm serve Qwen/Qwen3-8B -tp 4"]},
        {"command": ["sh", "-c", "ulimit -l unlimited && vllm serve $(MODEL) -tp 4 2>&1 | tee /tmp/log"]},
        {
            "command": [
                "sh",
                "-c",
                "ray start --head; python3 -m vllm.entrypoints.openai.api_server --model $MODEL -tp 4",
            ]
        },
    ],
)
def test_every_form_says_the_same(tmp_path: Path, container: dict[str, Any]) -> None:
    told = settings(tmp_path, **container)
    assert told is not None
    assert ({**told}, told.problem) == (SAME, "")


def test_a_variable_that_is_a_word_may_hold_several(tmp_path: Path) -> None:
    told = settings(tmp_path, command=["sh", "-c", "vllm serve $MODEL $EXTRA"])
    assert told is not None
    assert {**told} == {"model": "Qwen/Qwen3-8B", "enforce-eager": True, "max-num-seqs": 16}


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("vllm serve $MODEL -tp $(nvidia-smi -L | wc -l)", "known when it runs"),
        ("vllm serve $MODEL -tp `nproc`", "known when it runs"),
        ("vllm serve $MODEL -tp $DEVICES", "$DEVICES in the script"),
        ("vllm serve $MODEL --api-key $TOKEN", "$TOKEN in the script"),
        ("if test -e /a; then N=2; else N=4; fi; vllm serve $MODEL -tp $N", "$N in the script"),
        ("if test -e /a; then vllm serve $MODEL -tp 2; else vllm serve $MODEL; fi", "in more than one place"),
        ("cat > /tmp/c.yaml <<END\nport: 1\nEND\nvllm serve $MODEL --config /tmp/c.yaml", "document of its own"),
        ('vllm serve "$MODEL', "cannot be read"),
    ],
)
def test_what_only_the_running_container_knows_is_a_gap(tmp_path: Path, script: str, reason: str) -> None:
    told = settings(tmp_path, command=["sh", "-c", script])
    assert told is not None
    assert reason in told.problem
    assert told.problem_at is None, "it is not wrong, so no place is blamed"


def test_a_script_hands_its_arguments_on_to_a_program_that_is_not_followed(tmp_path: Path) -> None:
    told = settings(tmp_path, name="vllm", command=["sh", "-c", 'exec ./serve.sh "$@"', "--"], args=["--port", "9000"])
    assert told is not None
    assert ({**told}, told.problem) == ({"port": 9000}, "")


def test_a_setting_is_told_at_the_item_that_makes_it(tmp_path: Path) -> None:
    told = settings(tmp_path, command=["vllm", "serve"], args=["$(MODEL)", "--port", "9000"])
    assert told is not None
    assert told.settings["port"].index == 2
    in_command = settings(tmp_path, command=["vllm", "serve", "m", "--port", "9000"])
    assert in_command is not None
    assert (in_command["port"], in_command.settings["port"].index) == (9000, 4)


@pytest.mark.parametrize(
    "container",
    [
        {"image": "example/router:1", "command": ["python3", "-m", "vllm_router.app"]},
        {"image": "ghcr.io/vllm-project/vllm-router:1"},
        {"command": ["vllm", "bench", "serve", "--model", "m"]},
        {"command": ["sleep", "infinity"]},
        {"image": "nginx:1", "command": ["nginx"]},
    ],
)
def test_what_starts_no_engine_is_no_model(tmp_path: Path, container: dict[str, Any]) -> None:
    assert settings(tmp_path, **container) is None


def test_a_job_serves_nobody(tmp_path: Path) -> None:
    held = workload(deployment(tmp_path, {"args": ["--model", "m"]}, "Job"))
    assert held is not None
    assert engine_in(held) is None
