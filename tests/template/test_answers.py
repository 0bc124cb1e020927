"""Every file of answers/ is tried: valid ones make a repository that builds, invalid ones are refused as they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from modelyard.catalog import region, regions
from modelyard.repository import Repository
from modelyard.scaffolding import new_environment, new_repository
from tests.template.conftest import PROJECT, refusal
from tests.template.kustomize import builds, targets

ANSWERS = Path(__file__).parent / "answers"
VALID = sorted((ANSWERS / "valid").glob("*.yaml"))
INVALID = sorted((ANSWERS / "invalid").glob("*.yaml"))
OF_THE_REPOSITORY = ("repository_", "code_owners", "modelyard_source", "rehearse_in_ci", "build_images")


def expectation(file: Path, field: str) -> str:
    found = re.search(rf"^# {field}:(.*)$", file.read_text(), re.MULTILINE)
    assert found, f"{file.name} should say in a comment which {field} it is refused with"
    return found[1].strip()


def test_folders_hold_answers() -> None:
    assert len(VALID) >= 5
    assert len(INVALID) >= 20


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_valid_answers_make_a_repository_that_builds(file: Path, template: Path, tmp_path: Path) -> None:
    made = new_repository(tmp_path / "platform", template=str(template), answers_file=file, interactive=False)
    repository = Repository(made.repository)
    assert list(repository.environments) == [made.environment]
    assert not list(builds(made.repository, targets(made.repository / "environments")))


@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_invalid_answers_are_refused_and_nothing_is_written(
    file: Path, template: Path, two_environments: Path, tmp_path: Path
) -> None:
    question, message = expectation(file, "question"), expectation(file, "message")
    if question.startswith(OF_THE_REPOSITORY):
        refused = refusal(
            new_repository, tmp_path / "platform", template=str(template), answers_file=file, interactive=False
        )
        assert list(tmp_path.iterdir()) == []
    else:
        before = sorted((two_environments / "environments").iterdir())
        named = {} if question == "environment_name" else {"environment": "staging"}
        refused = refusal(new_environment, two_environments, answers_file=file, interactive=False, **named)
        assert sorted((two_environments / "environments").iterdir()) == before
    assert question in refused.message
    assert message in refused.message
    if f"\n{question}:" in file.read_text():
        assert refused.at is not None, "an answer from a file should be refused with its place"
        assert refused.at.place().file == str(file)


def offered(name: str) -> set[str]:
    found = region(name)
    assert found
    return set(found.offers)


def families_of(pool: str) -> set[str]:
    node_pool, _ = yaml.safe_load_all((PROJECT / f"bases/platform/karpenter/pools/{pool}.yaml").read_text())
    (families,) = [
        set(each["values"])
        for each in node_pool["spec"]["template"]["spec"]["requirements"]
        if each["key"] == "karpenter.k8s.aws/instance-family"
    ]
    return families


def regions_without(families: set[str]) -> set[str]:
    return {name for name in regions() if not families & {each.partition(".")[0] for each in offered(name)}}


def told() -> dict[str, list[str]]:
    asked = yaml.safe_load((PROJECT / "copier.yml").read_text())
    found: dict[str, list[str]] = yaml.safe_load(asked["regions_without"]["default"])
    return found


@pytest.mark.parametrize("pool", ["gpu", "neuron", "cpu-amd64"])
def test_a_region_is_told_to_be_without_a_pool_where_it_has_none_of_its_families(pool: str) -> None:
    assert set(told()[pool]) == regions_without(families_of(pool))


def test_a_region_without_the_type_of_the_system_nodes_is_told() -> None:
    assert set(told()["system"]) == {name for name in regions() if "m6i.large" not in offered(name)}


def test_what_such_a_region_is_given_instead_is_there() -> None:
    assert not regions_without({"c6i", "m6i"}) & set(told()["cpu-amd64"])
    assert all("m7i.large" in offered(name) for name in told()["system"])
    assert not regions_without(families_of("cpu-arm64")), "the pool for Graviton is a default everywhere"
