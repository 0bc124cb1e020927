"""Pods on nodes of EKS Auto Mode: its labels, its families, and the room that its nodes are taken to have."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelyard.catalog import instance_type
from modelyard.placement import BOTTLEROCKET
from modelyard.placement.auto_mode import supported
from modelyard.placement.capacity import capacity, impossible, pods
from modelyard.placement.node_classes import KarpenterSettings, NodeClass, node_class
from modelyard.placement.resources import GIB, STORAGE, THOUSAND
from tests.placement.test_environment import placement, view

CLASS: dict[str, Any] = {
    "apiVersion": "eks.amazonaws.com/v1",
    "kind": "NodeClass",
    "metadata": {"name": "gpu"},
    "spec": {"ephemeralStorage": {"size": "200Gi"}},
}


def room(name: str, made: NodeClass) -> dict[str, int]:
    kind = instance_type(name)
    assert kind is not None
    return dict(capacity(kind, made, KarpenterSettings()))


def test_a_node_class_says_how_much_room_there_is() -> None:
    made = node_class(CLASS)
    assert (made.ami_family, made.auto_mode, made.identity) == (BOTTLEROCKET, True, "NodeClass gpu")
    kind = instance_type("g6.xlarge")
    assert kind is not None and kind.instance_store is not None
    assert pods(kind, made, KarpenterSettings()) == 110
    # 250 GB of its own disk are more than the 200 GiB of the class; 3,000 GiB are more than the disk.
    assert room("g6.xlarge", made)[STORAGE] == kind.instance_store.gb * 10**9 * THOUSAND
    larger = node_class({**CLASS, "spec": {"ephemeralStorage": {"size": "3000Gi"}}})
    assert room("g6.xlarge", larger)[STORAGE] == 3000 * GIB * THOUSAND
    assert room("m7i.xlarge", node_class({**CLASS, "spec": {}}))[STORAGE] == 80 * GIB * THOUSAND


@pytest.mark.parametrize(
    ("name", "starts"), [("g6e.2xlarge", True), ("inf2.xlarge", True), ("trn2.48xlarge", True), ("t3.micro", False)]
)
def test_only_listed_types_are_started(name: str, starts: bool) -> None:
    kind = instance_type(name)
    assert kind is not None
    assert supported(kind) is starts
    assert bool(impossible(kind, node_class(CLASS))) is not starts


@pytest.fixture
def repository(bases: Mapping[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(bases["auto-mode"], tmp_path / "repository", symlinks=True))


def with_affinity(root: Path, terms: str) -> None:
    file = root / "overlays/qwen3-1-7b-vllm-gpu/devices.yaml"
    text = file.read_text()
    affinity = (
        "      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
        f"{{nodeSelectorTerms: [{terms}]}}}}}}\n"
    )
    file.write_text(text.replace("      containers:\n", affinity + "      containers:\n", 1))


def term(key: str) -> str:
    return f'{{matchExpressions: [{{key: {key}, operator: Gt, values: ["40000"]}}]}}'


def test_models_land_on_nodes_that_have_the_labels_of_auto_mode(repository: Path) -> None:
    found = placement(view(repository), "qwen3-1-7b")
    (accepting,) = found.accepting
    assert accepting.pool == "gpu"
    assert {option.kind.family for option in accepting.options} == {"g5", "g6", "g6e"}


@pytest.mark.parametrize(
    ("terms", "families"),
    [
        (("karpenter.k8s.aws", "eks.amazonaws.com"), {"g6e"}),
        (("eks.amazonaws.com",), {"g6e"}),
        (("karpenter.k8s.aws",), set()),
    ],
    ids=["both", "its own", "Karpenter's alone"],
)
def test_terms_are_alternatives(repository: Path, terms: tuple[str, ...], families: set[str]) -> None:
    with_affinity(repository, ", ".join(term(f"{each}/instance-gpu-memory") for each in terms))
    found = placement(view(repository), "qwen3-1-7b")
    assert {option.kind.family for verdict in found.accepting for option in verdict.options} == families
    if not families:
        assert found.refused
        assert "instance-gpu-memory" in str([verdict.reasons for verdict in found.verdicts])


def test_nodes_of_karpenter_have_none_of_its_labels(bases: Mapping[str, Path], tmp_path: Path) -> None:
    root = Path(shutil.copytree(bases["starter-models"], tmp_path / "repository", symlinks=True))
    with_affinity(root, term("eks.amazonaws.com/instance-gpu-memory"))
    assert placement(view(root), "qwen3-1-7b").refused
