"""Platform components are chosen by answers, and a new one is a folder."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.catalog import component_from_mapping
from modelyard.scaffolding import new_repository
from modelyard.tooling import run
from tests.template.conftest import PROJECT, REPOSITORY_URL, copied_template, publish, refusal
from tests.template.kustomize import build, named

SCRIPT = "scripts/generate_components.py"
PLATFORM = PROJECT / "bases/platform"
ANSWERS = {"repository_url": REPOSITORY_URL, "account_id": "111122223333", "starter_models": ""}
KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n"


def generate(root: Path, *words: str) -> str:
    done = run([sys.executable, root / SCRIPT, *words], cwd=root, timeout=60)
    return "" if done.returncode == 0 else done.stderr


def questions() -> dict[str, Any]:
    return dict(yaml.safe_load((PROJECT / "copier.yml").read_text()))


def test_the_menu_and_the_table_are_current() -> None:
    assert generate(PROJECT, "--check") == ""


def test_components_name_questions_that_are_asked() -> None:
    asked = questions()
    for file in sorted(PLATFORM.glob("*/component.yaml")):
        component = component_from_mapping(file.parent.name, yaml.safe_load(file.read_text()))
        for name, value in component.answers.items():
            assert isinstance(value, {"bool": bool, "str": str}[asked[name]["type"]]), f"{component.name}: {name}"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with three components more, of which each is one folder."""
    folder = copied_template(tmp_path_factory.mktemp("template") / "modelyard")
    for other in ("overlays", "terraform/modules"):
        shutil.rmtree(folder / other)
    (folder / "overlays").mkdir()
    (folder / "overlays/README.md").write_text("None.\n")
    for file in (folder / "bases/platform").glob("*/component.yaml"):
        if yaml.safe_load(file.read_text()).get("install") != "always":
            shutil.rmtree(file.parent)
    added: dict[str, dict[str, Any]] = {
        "probe": {"install": "default", "answers": {"gpu_pool": True}, "namespaces": ["probed"], "needs": ["argocd"]},
        "reporter": {"needs": ["probe"], "excludes": ["mailer"]},
        "mailer": {
            "chart": {
                "name": "mailer-chart",
                "repository": "https://charts.example.com",
                "version": "1.2.3",
                "app-version": "1",
                "source": "a test",
                "skip-crds": True,
            }
        },
    }
    for name, content in added.items():
        made = folder / "bases/platform" / name
        (made / "environment").mkdir(parents=True)
        (made / "component.yaml").write_text(yaml.safe_dump({"description": name, "namespace": name, **content}))
        (made / "kustomization.yaml").write_text(KUSTOMIZATION)
    (folder / "bases/platform/mailer/values.yaml").write_text("{}\n")
    (folder / "bases/platform/mailer/environment/values.yaml.jinja").write_text("cluster: {{ cluster_name }}\n")
    (folder / "scripts").mkdir()
    shutil.copy2(PROJECT / SCRIPT, folder / SCRIPT)
    assert "components.yaml.jinja is old" in generate(folder, "--check")
    assert generate(folder) == ""
    assert generate(folder, "--check") == ""
    publish(folder, "v0.1.0")
    return folder


def made(template: Path, folder: Path, **answers: str) -> Path:
    """Write a repository, and return the folder of its environment."""
    written = new_repository(
        folder, template=str(template), ref="v0.1.0", data={**ANSWERS, **answers}, interactive=False
    )
    return written.repository / "environments/dev"


@pytest.mark.slow
def test_a_default_is_there_where_the_answers_are_as_it_needs(template: Path, tmp_path: Path) -> None:
    with_gpus = made(template, tmp_path / "one")
    assert "probe" in yaml.safe_load((with_gpus / ".copier-answers.yml").read_text())["components"].split(",")
    project = named(build(with_gpus), "AppProject", "platform")["spec"]
    spaces = {each["namespace"] for each in project["destinations"]}
    assert {"probe", "probed"} <= spaces and "mailer" not in spaces
    without = made(template, tmp_path / "two", gpu_pool="false")
    assert not (without / "applications/probe.yaml").exists()
    assert not (without / "platform/probe").exists()
    spaces = {each["namespace"] for each in named(build(without), "AppProject", "platform")["spec"]["destinations"]}
    assert "probe" not in spaces


def test_a_component_by_choice_brings_its_own_files(template: Path, tmp_path: Path) -> None:
    environment = made(template, tmp_path / "one", components="mailer,probe")
    mailer = named(build(environment), "Application", "mailer")["spec"]
    assert mailer["sources"][1] == {
        "repoURL": "https://charts.example.com",
        "chart": "mailer-chart",
        "targetRevision": "1.2.3",
        "helm": {
            "releaseName": "mailer",
            "skipCrds": True,
            "valueFiles": [
                "$repository/bases/platform/mailer/values.yaml",
                "$repository/environments/dev/platform/mailer/values.yaml",
            ],
        },
    }
    project = named(build(environment), "AppProject", "platform")["spec"]
    assert "https://charts.example.com" in project["sourceRepos"]
    assert (environment / "platform/mailer/values.yaml").read_text() == "cluster: one-dev\n"
    root = environment.parents[1]
    assert (root / "bases/platform/mailer/component.yaml").is_file()
    assert not list((root / "bases/platform").glob("*/environment")), "what only the template reads was written"
    waves = {
        name: int(
            named(build(environment), "Application", name)["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]
        )
        for name in ("argocd", "probe", "mailer")
    }
    assert waves["argocd"] == waves["mailer"] < waves["probe"] < 0


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"components": "reporter"}, "reporter needs probe, which is not there"),
        ({"components": "probe,reporter,mailer"}, "reporter and mailer exclude each other; name one of them"),
        ({"components": "probe", "gpu_pool": "false"}, "probe needs the answers gpu_pool true"),
        ({"components": "proobe"}, "'proobe' is not one of"),
    ],
    ids=["need", "exclusion", "answer", "unknown"],
)
def test_a_choice_that_cannot_be_is_refused(template: Path, tmp_path: Path, answers: dict[str, str], said: str) -> None:
    refused = refusal(
        new_repository,
        tmp_path / "platform",
        template=str(template),
        ref="v0.1.0",
        data={**ANSWERS, **answers},
        interactive=False,
    )
    assert refused.message.startswith("components: ")
    assert said in refused.message
    assert list(tmp_path.iterdir()) == []
