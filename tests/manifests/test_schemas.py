"""What ships is legal for every Kubernetes version on offer, once an environment has added what is its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelyard.schemas import kubernetes_versions, validate
from modelyard.tooling import ToolMissing
from tests.manifests.composition import BASES, Repository, Resource, build, names

TERMS = [{"tags": {"karpenter.sh/discovery": "my-platform-dev"}}]
ADDED: dict[str, dict[str, dict[str, object]]] = {
    "karpenter": {
        "EC2NodeClass": {
            "/spec/role": "my-platform-dev-karpenter-node",
            "/spec/subnetSelectorTerms": TERMS,
            "/spec/securityGroupSelectorTerms": TERMS,
        }
    },
    "model-namespace": {
        "SecretStore": {"/spec/provider/aws/region": "us-west-2"},
        "ExternalSecret": {"/spec/data/0/remoteRef/key": "my-platform-dev/hf-token"},
    },
}


def component(repository: Repository, name: str) -> Path:
    """Write a component with what every environment adds to it."""
    patches = [
        {
            "target": {"kind": kind},
            "patch": json.dumps([{"op": "add", "path": path, "value": value} for path, value in values.items()]),
        }
        for kind, values in ADDED.get(name, {}).items()
    ]
    return repository.platform(name, patches=patches)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> list[Resource]:
    """Every component of the platform."""

    repository = Repository(tmp_path_factory.mktemp("repository"))
    platform = [component(repository, name) for name in names(BASES / "platform")]
    return [resource for folder in platform for resource in build(folder)]


@pytest.mark.parametrize("version", kubernetes_versions())
def test_every_resource_is_legal(shipped: list[Resource], version: str) -> None:
    try:
        verdicts = validate(shipped, version)
    except ToolMissing as missing:
        pytest.skip(str(missing))
    illegal = [
        (resource["kind"], resource["metadata"]["name"], verdict.status, verdict.problems)
        for resource, verdict in zip(shipped, verdicts, strict=True)
        if verdict.status != "valid"
    ]
    assert not illegal


@pytest.mark.parametrize(
    ("name", "kinds"), [("karpenter", {"EC2NodeClass"}), ("model-namespace", set(ADDED["model-namespace"]))]
)
def test_an_environment_that_forgets_its_part_is_refused(tmp_path: Path, name: str, kinds: set[str]) -> None:
    resources = build(Repository(tmp_path).platform(name))
    try:
        verdicts = validate(resources)
    except ToolMissing as missing:
        pytest.skip(str(missing))
    assert {r["kind"] for r, verdict in zip(resources, verdicts, strict=True) if verdict.status == "invalid"} == kinds
