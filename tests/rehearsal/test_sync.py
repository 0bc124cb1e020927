"""Level `sync`: a real Argo CD makes what the working tree says, and a day's life after that goes as designed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard.tooling import find
from tests.rehearsal.conftest import missing
from tests.rehearsal.test_rehearse import component, processes, start
from tests.rehearsal.test_scheduling import PROGRAMS
from tests.repositories.edits import apply_edits

ARGO_CD = ("argocd-cache", "argocd-repo-server", "argocd-application-controller")

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def rehearsals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return where rehearsals of this test keep their files; nothing may be left of them."""
    wanted = ("argocd-parts", *PROGRAMS)
    if reason := missing() or ", ".join(f"{name} is not installed" for name in wanted if find(name) is None):
        pytest.skip(f"{reason}: `make rehearsal-tools` builds it")
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "rehearsals"
    yield folder
    assert not folder.exists() or list(folder.iterdir()) == []
    assert not [line for line in processes() if str(folder) in line]


def synced(root: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the report of a rehearsal at level `sync`."""
    running = start(root, "--level", "sync", "--json", *words)
    output, errors = running.communicate(timeout=900)
    assert "Traceback" not in errors
    told: dict[str, Any] = json.loads(output)
    return running.returncode, told


def test_all_is_synced_and_a_day_goes_as_designed(bases: dict[str, Path]) -> None:
    code, told = synced(bases["starter-models"], "--day2", "--timeout", "240")
    assert code == 0, told["report"]["findings"]
    states = {(each["sync"], each["health"]) for each in told["applications"]}
    assert states == {("Synced", "Healthy")} and len(told["applications"]) >= 9
    assert "root" in {each["name"] for each in told["applications"]}
    assert all(each["node"] for each in told["pods"])
    assert [each["pool"] for each in told["pods"] if each["namespace"] == "models"] == ["gpu"] * 3
    assert {each["name"] for each in told["components"]} == {"etcd", "kube-apiserver", *PROGRAMS, *ARGO_CD}
    assert sum(each["peak_memory_bytes"] for each in told["components"]) < 6_000_000_000
    assert [each["name"] for each in told["day"]] == [
        "break and mend",
        "ask for more than the pool allows",
        "take its node away",
        "rename",
        "delete",
    ]
    assert not [problem for each in told["day"] for problem in each["problems"]]
    assert {"External Secrets", "Karpenter's AWS provider"} <= set(told["stood_in"])
    assert any(gap["subject"].startswith("chart") for gap in told["report"]["not_checked"])


@pytest.mark.skipif(
    find("operator-parts") is None, reason="operator-parts is not installed: `make rehearsal-tools` builds it"
)
def test_groups_of_pods_are_synced_with_their_own_operators(bases: dict[str, Path]) -> None:
    code, told = synced(bases["multi-node"], "--timeout", "240")
    assert code == 0, told["report"]["findings"]
    assert {(each["sync"], each["health"]) for each in told["applications"]} == {("Synced", "Healthy")}
    assert {"scout", "mistral"} <= {each["name"] for each in told["applications"]}
    assert told["real_operators"] == ["LeaderWorkerSet", "KubeRay"]
    assert len([each for each in told["pods"] if each["namespace"] == "models" and each["node"]]) == 4


# One of them; `make rehearsal-absences` takes minutes for each.
def test_what_is_missing_holds_back_only_what_needs_it(bases: dict[str, Path]) -> None:
    code, told = synced(bases["starter-models"], "--without", "secret-values", "--timeout", "600")
    assert code == 0, told["report"]["findings"]
    missed = told["without"]
    assert missed["held_back"] == [] and missed["mended"], "it needs a commit to get well"
    assert missed["arrived"] > 3 and all(each["reasons"] for each in missed["waiting"])
    assert {(each["sync"], each["health"]) for each in told["applications"]} == {("Synced", "Healthy")}


def test_what_never_converges_is_told_with_argo_cds_reasons(one_model: Path) -> None:
    apply_edits(one_model, {"replace": {"bases/serving/vllm/service.yaml": {"port: 8000": "port: 78000"}}})
    code, told = synced(one_model, "--timeout", "60")
    assert code == 1
    found = [each for each in told["report"]["findings"] if each["rule"] == "rehearsal/not-synced"]
    (chat,) = [each for each in found if "Application chat:" in each["message"]]
    assert any("78000" in line for line in chat["detail"])
    assert chat["place"]["file"] == "environments/dev/applications/chat.yaml"


@pytest.mark.parametrize("victim", ["argocd-parts", "karpenter-kwok"])
def test_a_killed_controller_is_told_and_all_is_stopped(one_model: Path, rehearsals: Path, victim: str) -> None:
    running = start(one_model, "--level", "sync")
    os.kill(component(rehearsals, victim), signal.SIGKILL)
    _, errors = running.communicate(timeout=240)
    assert running.returncode == 2
    assert "was ended by signal 9 in the middle of the rehearsal" in errors
    assert "Traceback" not in errors


def test_interrupts_while_it_syncs_leave_nothing(one_model: Path, rehearsals: Path) -> None:
    running = start(one_model, "--level", "sync")
    component(rehearsals, "argocd-parts")
    for _ in range(2):
        running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=120)
    assert running.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in errors


def test_a_day_needs_a_sync(one_model: Path) -> None:
    running = start(one_model, "--day2")
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 2
    assert "--day2 needs what a sync has made" in errors and "--level sync" in errors
