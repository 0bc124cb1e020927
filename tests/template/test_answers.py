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


@pytest.mark.parametrize(("pool", "file"), [("gpu", "gpu.yaml"), ("neuron", "neuron.yaml")])
def test_a_pool_is_the_default_where_the_region_has_one_of_its_families(pool: str, file: str) -> None:
    asked = yaml.safe_load((PROJECT / "copier.yml").read_text())
    without = set(yaml.safe_load(asked["regions_without"]["default"])[pool])
    assert asked[f"{pool}_pool"]["default"] == f"{{{{ region not in regions_without.{pool} }}}}"
    node_pool, _ = yaml.safe_load_all((PROJECT / "bases/platform/karpenter/pools" / file).read_text())
    (families,) = [
        set(each["values"])
        for each in node_pool["spec"]["template"]["spec"]["requirements"]
        if each["key"] == "karpenter.k8s.aws/instance-family"
    ]
    lacking = {
        name
        for name in regions()
        if (found := region(name)) and not families & {each.partition(".")[0] for each in found.offers}
    }
    assert without == lacking
