"""`modelyard rehearse` against a real etcd and a real API server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.rehearsal import control_plane as server
from modelyard.rehearsal.folders import run_folder
from modelyard.tooling import find
from modelyard.tooling.background import started_at
from tests.repositories.edits import apply_edits

MODELYARD = Path(sys.executable).with_name("modelyard")

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("needs_control_plane")]


@pytest.fixture
def rehearsals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return where rehearsals of this test keep their files; nothing may be left in it."""
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "rehearsals"
    yield folder
    assert not folder.exists() or list(folder.iterdir()) == []
    assert not [line for line in processes() if str(folder) in line]


def processes() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def start(root: Path, *words: str) -> subprocess.Popen[str]:
    argv = [str(MODELYARD), "rehearse", str(root), "--env", "dev", *words]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def component(folder: Path, name: str) -> int:
    """Return the process id of a component that has just been started."""
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline:
        for path in folder.glob("*/processes.json"):
            for pid, _ in json.loads(path.read_text() or "[]"):
                words = Path(f"/proc/{pid}/cmdline").read_bytes() if started_at(pid) else b""
                if words.split(b"\0")[0].endswith(name.encode()):
                    return int(pid)
        time.sleep(0.02)
    raise AssertionError(f"{name} was not started")


def test_what_is_refused_has_its_place_and_the_servers_words(one_model: Path, rehearsals: Path) -> None:
    apply_edits(one_model, {"replace": {"bases/serving/vllm/service.yaml": {"port: 8000": "port: 78000"}}})
    done = start(one_model, "--json")
    output, errors = done.communicate(timeout=120)
    assert done.returncode == 1, errors
    told = json.loads(output)
    assert told["level"] == "schema" and told["kubernetes_version"].startswith("1.35.")
    assert {each["name"] for each in told["components"]} == {"etcd", "kube-apiserver"}
    assert all(each["peak_memory_bytes"] > 10_000_000 for each in told["components"])
    ports = [each for each in told["report"]["findings"] if "must be between 1 and 65535" in each["message"]]
    assert ports and all(each["rule"] == "rehearsal/refused-resource" for each in ports)
    assert {each["place"]["file"] for each in ports} == {"bases/serving/vllm/service.yaml"}
    assert {each["place"]["text"].strip() for each in ports} == {"port: 78000"}


def test_a_field_that_the_schema_does_not_have_is_refused_and_no_gap(one_model: Path, rehearsals: Path) -> None:
    """The server answers 500 to it, as to a fault of its own."""
    apply_edits(
        one_model, {"replace": {"bases/serving/vllm/service.yaml": {"  ports:": "  sessionAffinty: None\n  ports:"}}}
    )
    done = start(one_model, "--json")
    output, errors = done.communicate(timeout=120)
    assert done.returncode == 1, errors
    report = json.loads(output)["report"]
    assert any("sessionAffinty" in str(each) or "not declared" in each["message"] for each in report["findings"])
    assert not [each for each in report["not_checked"] if "the API server failed" in str(each)]


def test_two_at_once_do_not_meet(one_model: Path, rehearsals: Path) -> None:
    both = [start(one_model), start(one_model)]
    for each in both:
        output, errors = each.communicate(timeout=180)
        assert each.returncode == 0, output + errors
        assert "real: etcd, and kube-apiserver 1.35." in output


@pytest.mark.parametrize("victim", ["etcd", "kube-apiserver"])
def test_a_killed_component_is_told_and_all_is_stopped(one_model: Path, rehearsals: Path, victim: str) -> None:
    running = start(one_model)
    os.kill(component(rehearsals, victim), signal.SIGKILL)
    _, errors = running.communicate(timeout=120)
    assert running.returncode == 2
    assert f"{victim} was ended by signal 9 in the middle of the rehearsal" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("times", [1, 2])
def test_an_interrupt_leaves_nothing(one_model: Path, rehearsals: Path, times: int) -> None:
    running = start(one_model)
    component(rehearsals, "kube-apiserver")
    for _ in range(times):
        running.send_signal(signal.SIGINT)
        time.sleep(0.05)
    _, errors = running.communicate(timeout=60)
    assert running.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in errors


def test_a_folder_without_the_programs_is_refused(
    one_model: Path, rehearsals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    refused = start(one_model)
    _, errors = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert f"KUBEBUILDER_ASSETS is {tmp_path}, which holds no etcd" in errors


def test_an_environment_of_another_version_is_tried_on_its_own_server(one_model: Path, rehearsals: Path) -> None:
    facts = one_model / "environments/dev/environment.yaml"
    facts.write_text(facts.read_text().replace('kubernetes: "1.35"', 'kubernetes: "1.36"'))
    done = start(one_model, "--json")
    output, errors = done.communicate(timeout=180)
    assert done.returncode == 0, output + errors
    told = json.loads(output)
    gaps = [each for each in told["report"]["not_checked"] if each["subject"] == "what Kubernetes 1.36 refuses"]
    if find("kube-apiserver-1.36") is not None:
        assert told["kubernetes_version"].startswith("1.36.") and not gaps
    else:
        assert told["kubernetes_version"].startswith("1.35.")
        assert [each["fix"] for each in gaps] == ["run modelyard tools install kube-apiserver-1.36"]


def test_a_full_disk_is_told_and_nothing_is_left(one_model: Path, rehearsals: Path) -> None:
    argv = [str(MODELYARD), "rehearse", str(one_model), "--env", "dev"]
    limited = ["prlimit", "--fsize=1000000", *argv]  # etcd reserves more than that for its log
    done = subprocess.run(limited, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "etcd ended with" in done.stderr and "disk ran out" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_port_is_taken_where_one_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        ports = [taken, server.free_port()]
        monkeypatch.setattr(server, "free_port", lambda: ports.pop(0))
        with run_folder() as folder, server.control_plane(folder) as plane:
            assert plane.api.port != taken and not ports
            assert plane.api.request("GET", "/readyz").ok
