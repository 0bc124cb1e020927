"""Level `schedule`: the real controllers place pods, and `place` had foretold it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelyard.placement import placements
from modelyard.rehearsal import controllers, group_operators
from modelyard.rehearsal.day2 import breakable
from modelyard.rehearsal.instance_types import kwok_instance_types
from modelyard.rehearsal.scheduling import Scheduled, foretold_of
from modelyard.tooling import find
from tests.rehearsal.conftest import missing
from tests.rehearsal.faults import view_of
from tests.repositories.edits import apply_edits

MODELYARD = Path(sys.executable).with_name("modelyard")
PROGRAMS = ("kube-controller-manager", "kube-scheduler", "karpenter-kwok")


def rehearsed(root: Path) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the report of a rehearsal at level `schedule`."""
    if reason := missing() or ", ".join(f"{name} is not installed" for name in PROGRAMS if find(name) is None):
        pytest.skip(f"{reason}: `make rehearsal-tools` builds it")
    argv = [str(MODELYARD), "rehearse", str(root), "--env", "dev", "--level", "schedule", "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=240, check=False)
    assert "Traceback" not in done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, told


@pytest.mark.slow
def test_every_pod_is_where_place_foretells(bases: dict[str, Path]) -> None:
    code, told = rehearsed(bases["starter-models"])
    assert code == 0, told["report"]["findings"]
    assert len(told["pods"]) >= 3
    assert {each["pool"] for each in told["pods"]} == {"gpu"}
    assert all(each["instance_type"].startswith(("g5.", "g6.", "g6e.")) and each["zone"] for each in told["pods"])
    assert {each["name"] for each in told["components"]} == {"etcd", "kube-apiserver", *PROGRAMS}


@pytest.mark.slow
@pytest.mark.skipif(
    find("operator-parts") is None, reason="operator-parts is not installed: `make rehearsal-tools` builds it"
)
def test_pods_of_groups_are_made_by_their_operators_and_placed(bases: dict[str, Path]) -> None:
    code, told = rehearsed(bases["multi-node"])
    assert code == 0, told["report"]["findings"]
    assert told["real_operators"] == ["LeaderWorkerSet", "KubeRay"]
    assert "Ray's head pods" in told["stood_in"]
    pods = {each["name"]: each for each in told["pods"] if each["namespace"] == "models"}
    assert {"scout-0", "scout-0-1"} <= set(pods), "the leader and the worker of the group"
    head, *others = [each for name, each in sorted(pods.items()) if name.startswith("mistral-")]
    assert "-head-" in head["name"] and head["pool"].startswith("cpu"), "the head needs no device"
    assert [each["pool"] for each in (pods["scout-0"], pods["scout-0-1"], *others)] == ["gpu"] * 3


@pytest.mark.slow
def test_a_pod_without_a_node_is_told_in_karpenters_words(one_model: Path) -> None:
    apply_edits(
        one_model,
        {"replace": {"bases/serving/vllm/deployment.yaml": {"key: nvidia.com/gpu": "key: nvidia.com/no-such-taint"}}},
    )
    code, told = rehearsed(one_model)
    assert code == 1
    (found,) = [each for each in told["report"]["findings"] if each["rule"] == "rehearsal/unscheduled-pod"]
    assert any("did not tolerate taint" in line for line in found["detail"])
    assert found["application"] and found["place"]["line"]


def test_instance_types_are_in_the_providers_format(bases: dict[str, Path]) -> None:
    from modelyard.placement import cluster

    types = {each["name"]: each for each in kwok_instance_types(cluster(view_of(bases["starter-models"])))}
    assert types["g6.xlarge"]["resources"]["nvidia.com/gpu"] == "1000m"
    offering = types["g6.xlarge"]["offerings"][0]
    assert offering["Available"] is True and 0.1 < offering["Price"] < 10
    labels = {each["key"]: each["values"] for each in offering["Requirements"]}
    assert labels["karpenter.k8s.aws/instance-family"] == ["g6"]
    assert labels["karpenter.k8s.aws/instance-gpu-name"] == ["l4"]
    assert labels["topology.kubernetes.io/zone"] and labels["karpenter.sh/capacity-type"]


def test_pods_of_groups_are_gaps_where_their_operators_are_not_installed(
    bases: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_operators, "find", lambda name: None)
    view = view_of(bases["multi-node"])
    assert group_operators.needed(view) == []
    told = [(str(each.subject), each.fix) for each in group_operators.gaps(view)]
    fix = "run modelyard tools install operator-parts"
    assert told == [("pods that LeaderWorkerSet makes", fix), ("pods that KubeRay makes", fix)]


def test_a_pod_of_a_group_is_held_against_its_own_template(bases: dict[str, Path]) -> None:
    foretold = placements(view_of(bases["multi-node"]))
    index, role, group = "leaderworkerset.sigs.k8s.io/worker-index", "ray.io/node-type", "ray.io/group"

    def template(name: str, labels: dict[str, str]) -> str | int | None:
        found = foretold_of({"name": name, "labels": labels}, foretold)
        if found is None:
            return None
        return found.template.path[-2 if found.template.path[-1] == "template" else -1]

    assert template("scout-0", {index: "0"}) == "leaderTemplate"
    assert template("scout-0-1", {index: "1"}) == "workerTemplate"
    assert template("mistral-abcde-head-fghij", {role: "head"}) == "headGroupSpec"
    assert template("mistral-abcde-workers-worker-fghij", {role: "worker", group: "workers"}) == 0
    assert template("other-1", {}) is None


def test_the_owner_of_a_pod_says_which_of_two_workloads_of_one_name_made_it(one_model: Path) -> None:
    patch = "environments/dev/models/chat/kustomization.yaml"
    text = (one_model / patch).read_text()
    prefetch = "  - ../../../../bases/features/image-prefetch\n"
    assert "components:\n" in text
    (one_model / patch).write_text(text.replace("components:\n", f"components:\n{prefetch}", 1))
    foretold = placements(view_of(one_model))

    def kind(name: str, owner: str) -> str:
        found = foretold_of({"name": name, "ownerReferences": [{"kind": owner}]}, foretold)
        return found.workload.kind if found else ""

    assert kind("chat-2jpgx", "DaemonSet") == "DaemonSet"
    assert kind("chat-54b8bf4f88-2hjfz", "ReplicaSet") == "Deployment"
    assert kind("chat-0", "StatefulSet") == ""


def test_pods_of_a_daemon_are_expected_where_it_runs(one_model: Path) -> None:
    (exporter,) = [each for each in placements(view_of(one_model)) if each.workload.manifest.name == "dcgm-exporter"]
    assert Scheduled("dcgm-exporter", "dcgm-exporter-1", exporter, "node", "gpu").difference == ""
    assert Scheduled("dcgm-exporter", "dcgm-exporter-1", exporter, "node", "cpu-amd64").difference


def test_other_schedulers_and_auto_mode_are_stood_in_for(bases: dict[str, Path], one_model: Path) -> None:
    assert controllers.stood_in(view_of(bases["auto-mode"])) == ["EKS Auto Mode (Karpenter)"]
    assert controllers.stood_in(view_of(one_model)) == []
    patch = "environments/dev/models/chat/kustomization.yaml"
    text = (one_model / patch).read_text()
    feature = "components:\n  - ../../../../bases/features/neuron-scheduler\n"
    (one_model / patch).write_text(text.replace("components:\n", feature, 1))
    view = view_of(one_model)
    assert controllers.further_schedulers(view) == ["neuron-scheduler"]
    assert controllers.stood_in(view) == ["neuron-scheduler (kube-scheduler without its extension)"]


@pytest.mark.slow
def test_pods_of_another_scheduler_and_of_auto_mode_are_placed(bases: dict[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(bases["auto-mode"], tmp_path / "auto-mode", symlinks=True)
    patch = root / "environments/dev/models/qwen3-1-7b/kustomization.yaml"
    feature = "components:\n  - ../../../../bases/features/neuron-scheduler\n"
    patch.write_text(patch.read_text().replace("components:\n", feature, 1))
    code, told = rehearsed(root)
    assert code == 0, told["report"]["findings"]
    assert {"EKS Auto Mode (Karpenter)", "neuron-scheduler (kube-scheduler without its extension)"} <= set(
        told["stood_in"]
    )
    (model,) = [each for each in told["pods"] if each["namespace"] == "models"]
    assert model["pool"] == "gpu" and model["as_foretold"] is True


def test_a_day_breaks_a_model_that_has_a_service(bases: dict[str, Path]) -> None:
    models = [each for each in view_of(bases["multi-node"]).applications if each.is_model]
    assert [each.name for each in models] == ["mistral", "scout"], "the first is Ray's, which has none here"
    assert (found := breakable(models)) is not None and found.name == "scout"
    assert breakable(models[:1]) is None


def test_nothing_is_foretold_for_a_pod_of_an_unknown_workload() -> None:
    assert Scheduled("models", "other-1", None, "").difference == ""
