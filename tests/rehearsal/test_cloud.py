"""Level `cloud`: Terraform makes a mock AWS account, and Karpenter's own AWS provider says what is wrong in it.

Each run takes two minutes, one of which Terraform's provider waits for S3: so few runs show much each.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from modelyard.rehearsal.cloud import needs
from modelyard.tooling import find
from tests.rehearsal.conftest import missing
from tests.rehearsal.test_rehearse import component, processes, start
from tests.repositories import make
from tests.repositories.edits import apply_edits

pytestmark = pytest.mark.slow

# One mistake in Terraform, one in a manifest, and a name on which the two disagree.
TAG = {
    "terraform/modules/network/main.tf": {'"karpenter.sh/discovery"          = var.cluster_name': '"discovery" = "x"'}
}
PATCH = "environments/dev/platform/karpenter/kustomization.yaml"
QUEUE = {
    "terraform/modules/karpenter/queue.tf": {"name                      = local.controller_name": 'name = "events"'}
}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return where rehearsals keep their files; nothing may be left of them."""
    reasons = [
        missing(),
        *(f"{name} is not installed" for name in (*needs.PROGRAMS, "terraform") if find(name) is None),
    ]
    if reason := ", ".join(filter(None, reasons)):
        pytest.skip(f"{reason}: `make rehearsal-tools` builds what is not Terraform")
    if not needs.has_mock():
        pytest.skip("moto is not installed here: `make test-terraform` brings it and runs these tests")
    plugins = needs.plugin_folder() or needs.searched_plugin_folder()
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELYARD_CACHE_DIR", str(folder))
        if plugins is not None:
            patch.setenv(needs.PLUGINS, str(plugins))
        yield folder / "rehearsals"
    assert list((folder / "rehearsals").iterdir()) == []
    assert not [line for line in processes() if str(folder) in line]


def rehearsed(root: Path) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the report of a rehearsal at level `cloud`."""
    running = start(root, "--level", "cloud", "--json")
    output, errors = running.communicate(timeout=600)
    assert "Traceback" not in errors and output, errors
    told: dict[str, Any] = json.loads(output)
    return running.returncode, told


@pytest.fixture(scope="module")
def mistaken(bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the report on a repository with a wrong tag, a wrong role and a wrong queue."""
    root = tmp_path_factory.mktemp("mistaken") / "one-model"
    shutil.copytree(bases["one-model"], root, symlinks=True)
    role = (root / PATCH).read_text()
    apply_edits(root, {"replace": {**TAG, **QUEUE}})
    (root / PATCH).write_text(role.replace("-karpenter-node}", "-karpenter-nodes}"))
    assert (root / PATCH).read_text() != role
    code, told = rehearsed(root)
    assert code == 1
    return told


def findings(told: dict[str, Any], rule: str) -> list[dict[str, Any]]:
    return [each for each in told["report"]["findings"] if each["rule"] == f"rehearsal/{rule}"]


def test_an_environment_comes_up_and_survives_an_interruption(one_model: Path) -> None:
    before = {path: path.read_bytes() for path in one_model.rglob("*") if path.is_file()}
    code, told = rehearsed(one_model)
    assert code == 0, told["report"]["findings"]
    cloud = told["cloud"]
    assert cloud["terraform_resources"] >= 150
    assert cloud["node_classes"] and all(each["ready"] for each in cloud["node_classes"])
    assert all(each["subnets"] == 4 and each["security_groups"] and each["images"] for each in cloud["node_classes"])
    assert [(each["pool"], each["reasons"]) for each in told["pods"] if each["namespace"] == "models"] == [("gpu", [])]
    gone = cloud["interruption"]
    assert gone["problems"] == [] and gone["event"] == "AWS Health Event"
    assert any(each.startswith("models/chat-") for each in gone["pods"])
    assert not cloud["queue"] and not cloud["not_admitted"]
    assert {"mock-aws", "karpenter-aws"} <= {each["name"] for each in told["components"]}
    assert "Karpenter's AWS provider" not in told["stood_in"]
    assert any("mock" in gap["reason"] for gap in told["report"]["not_checked"])
    assert {path: path.read_bytes() for path in one_model.rglob("*") if path.is_file()} == before


def test_another_environment_with_spot_and_file_systems_comes_up(tmp_path: Path) -> None:
    root = make(
        "one-model",
        tmp_path / "spot",
        region="eu-central-1",
        spot_capacity=True,
        device_ami="al2023",
        gpu_multinode_pool=True,
        shared_file_system=True,
    )
    code, told = rehearsed(root)
    assert code == 0, told["report"]["findings"]
    assert {each["name"] for each in told["cloud"]["node_classes"]} >= {"gpu", "gpu-multinode", "neuron", "cpu-arm64"}
    assert told["cloud"]["interruption"]["event"] == "EC2 Spot Instance Interruption Warning"
    (written,) = told["cloud"]["filled_in"]
    assert written.startswith("shared_file_system_id = fs-")
    assert not [gap for gap in told["report"]["not_checked"] if "id that Terraform gives" in gap["reason"]]


def test_a_wrong_tag_is_told_as_the_condition_that_fails(mistaken: dict[str, Any]) -> None:
    found = [each for each in findings(mistaken, "node-class-not-ready") if "SubnetsReady" in each["message"]]
    assert {each["place"]["file"] for each in found} == {PATCH}
    assert all("SubnetSelector did not match any Subnets" in each["message"] for each in found)
    assert len(found) == len(mistaken["cloud"]["node_classes"])


def test_a_wrong_role_is_told_in_karpenters_words(mistaken: dict[str, Any]) -> None:
    found = [each for each in findings(mistaken, "node-class-not-ready") if "InstanceProfileReady" in each["message"]]
    assert found and all("my-platform-dev-karpenter-nodes" in each["message"] for each in found)
    assert {each["place"]["file"] for each in found} == {PATCH}


def test_a_wrong_queue_is_told_where_it_is_named(mistaken: dict[str, Any]) -> None:
    (found,) = findings(mistaken, "queue-not-read")
    assert "my-platform-dev-karpenter" in found["message"] and "queue" in found["message"].lower()
    assert found["place"]["file"] == "environments/dev/platform/karpenter/values.yaml"


def test_what_terraform_refuses_is_told_at_its_place(one_model: Path) -> None:
    apply_edits(one_model, {"replace": {"environments/dev/terraform.tfvars": {'"111122223333"': '"222233334444"'}}})
    code, told = rehearsed(one_model)
    assert code == 1
    (found,) = findings(told, "terraform-failed")
    assert "AWS account ID not allowed: 111122223333" in found["message"]
    assert found["place"]["file"] == "terraform/providers.tf" and found["place"]["line"]
    assert any(gap["subject"] == "Karpenter in the account" for gap in told["report"]["not_checked"])


def test_interrupts_while_terraform_applies_leave_nothing(one_model: Path, cache: Path) -> None:
    running = start(one_model, "--level", "cloud")
    component(cache, "terraform")
    for _ in range(2):
        running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=120)
    assert running.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in errors


def test_a_killed_mock_is_told_and_all_is_stopped(one_model: Path, cache: Path) -> None:
    running = start(one_model, "--level", "cloud")
    component(cache, "terraform")
    folder = next(cache.iterdir())
    (victim,) = [
        int(pid)
        for pid, _ in json.loads((folder / "processes.json").read_text())
        if _is_mock(Path(f"/proc/{pid}/cmdline"))
    ]
    os.kill(victim, signal.SIGKILL)
    _, errors = running.communicate(timeout=240)
    assert running.returncode == 2
    assert "mock-aws was ended by signal 9 in the middle of the rehearsal" in errors


def _is_mock(words: Path) -> bool:
    try:
        return b"modelyard.rehearsal.cloud.mock_aws" in words.read_bytes()
    except OSError:
        return False
