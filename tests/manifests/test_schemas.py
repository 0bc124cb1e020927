"""What ships is legal for every Kubernetes version on offer, once an environment has added what is its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.schemas import kubernetes_versions, validate
from modelyard.tooling import ToolMissing
from tests.manifests import environments
from tests.manifests.composition import BASES, Repository, Resource, build, names


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> list[Resource]:
    """Every component of the platform."""

    repository = Repository(tmp_path_factory.mktemp("repository"))
    platform = [environments.write(repository, name) for name in names(BASES / "platform")]
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
    ("name", "kinds"), [("karpenter", {"EC2NodeClass"}), ("model-namespace", {"ExternalSecret", "SecretStore"})]
)
def test_an_environment_that_forgets_its_part_is_refused(tmp_path: Path, name: str, kinds: set[str]) -> None:
    resources = build(Repository(tmp_path).platform(name))
    try:
        verdicts = validate(resources)
    except ToolMissing as missing:
        pytest.skip(str(missing))
    assert {r["kind"] for r, verdict in zip(resources, verdicts, strict=True) if verdict.status == "invalid"} == kinds
