"""What generated repositories say of the charts that they pin, which are made from inventories of the real ones."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.checking import CheckOptions, check
from modelyard.scaffolding import new_repository
from modelyard.scaffolding.git import author, commit_everything
from modelyard.tooling import find, run
from tests.inventory_charts import FOLDER, keep
from tests.template.conftest import PROJECT, REPOSITORY_URL
from tests.template.workflow_stubs import Runner

ENVIRONMENTS: dict[str, Any] = yaml.safe_load((PROJECT / "scripts/rehearsal_environments.yaml").read_text())
MODELYARD = Path(sys.executable).with_name("modelyard")
SETTINGS = PROJECT / "template/repository/modelyard.yaml"
ACCEPTED = [
    "values of chart argo-cd 10.4.0",
    "StorageClass efs",
    "PersistentVolume lustre",
    "PrometheusRule inference",
    "ConfigMap dashboard-inference",
    "ConfigMap dashboard-logs",
    "dist/chart of https://github.com/vllm-project/aibrix.git",
    "ServiceMonitor aibrix-gateway-plugins",
    "model tabular-sklearn",
    "model tabular-xgboost",
]
# What nobody can know of models that somebody adds, and whoever adds them decides.
OF_MODELS = {"gpu": ("model pictures", "model churn")}
# A quarter of a GPU keeps one request of this length for certain.
OF_SHARES = {"gpu": ("small", "max-model-len=2048")}
CONTEXTS = {
    "github.server_url": "https://github.com",
    "github.repository": "acme/my-platform",
    "github.run_id": "77",
    "github.token": "token-of-the-job",
    "matrix.shard": "1/1",
}
needs_renderer = pytest.mark.skipif(
    find("modelyard-render") is None, reason="run `modelyard tools install modelyard-render`"
)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep charts and renderings for these tests alone."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MODELYARD_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


def written(template: Path, name: str, root: Path) -> Path:
    """Write a repository with one of the rehearsal's environments, its charts fetched and locked."""
    wanted = ENVIRONMENTS[name]
    data = {"repository_url": REPOSITORY_URL, "account_id": "111122223333", "environment_name": name}
    data.update(
        {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in wanted["answers"].items()}
    )
    new_repository(root, template=str(template), ref="v0.1.0", data=data, interactive=False)
    for model, chosen in wanted.get("models", {}).items():
        features = [word for each in chosen.get("features", ()) for word in ("--feature", each)]
        where = ["--env", name, "--name", model, "--repository", str(root), "--defaults", "--no-check"]
        run([MODELYARD, "model", "add", chosen["overlay"], *where, *features], timeout=300, check=True)
    if name in OF_SHARES:
        where = ["--env", name, "--repository", str(root), "--no-check"]
        run([MODELYARD, "model", "set", *OF_SHARES[name], *where], timeout=300, check=True)
    settings = root / "modelyard.yaml"
    decisions = [
        {"subject": subject, "reason": "it is tried out before it serves", "expires": date(2999, 1, 1)}
        for subject in OF_MODELS.get(name, ())
    ]
    with settings.open("a") as file:
        file.write("".join(f"  - {json.dumps(each, default=str)}\n" for each in decisions))
    keep(root)
    commit_everything(root, "Fetch the charts", author(root))
    return root


@pytest.mark.slow
@needs_renderer
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_workflow_of_a_new_repository_is_green(template: Path, tmp_path: Path, name: str) -> None:
    """`modelyard fetch`, then `modelyard check --strict`, as the generated workflow runs them, and nothing is found."""
    root = written(template, name, tmp_path / "my-platform")
    before = run(["git", "-C", str(root), "rev-parse", "HEAD~1"], timeout=60, check=True).stdout.decode().strip()
    runner = Runner(root, tmp_path / "runner", {**CONTEXTS, "github.event.pull_request.base.sha": before})
    for step, code, said in runner.run("check.yml", "check"):
        assert code == 0, f"{step} ended with {code}:\n{said}"
    assert runner.calls[-1] == "modelyard fetch"
    report = check(root, CheckOptions())
    assert [(finding.rule, finding.message) for finding in report.findings] == []
    assert report.environments[0].resources > 200, "the charts' resources are among what was checked"


def test_every_gap_that_the_template_accepts_is_named_and_ends() -> None:
    """No pattern accepts a kind: each subject is one thing, with its reason and its last day."""
    accepted = yaml.safe_load(SETTINGS.read_text())["accepted-gaps"]
    assert [each["subject"] for each in accepted] == ACCEPTED
    for each in accepted:
        assert "*" not in each["subject"]
        assert len(each["reason"]) > 20
        assert isinstance(each["expires"], date)


def test_the_policy_that_is_shown_trusts_what_charts_bring() -> None:
    trusted = runpy.run_path(str(PROJECT / "template/repository/policies/untrusted_image.py"))["TRUSTED"]
    pods = [
        each["pod"]
        for path in FOLDER.glob("*.json")
        for rendering in json.loads(path.read_text())["renderings"]
        for each in rendering["objects"]
        if "pod" in each
    ]
    images = {container["image"] for pod in pods for container in pod["containers"]}
    assert len(images) > 25
    assert sorted(image for image in images if not image.startswith(trusted)) == []


def test_every_chart_that_the_template_pins_has_an_inventory() -> None:
    """A chart is updated together with what is known of it."""
    for path in sorted((PROJECT / "bases/platform").glob("*/component.yaml")):
        chart = yaml.safe_load(path.read_text()).get("chart")
        if chart and "name" in chart:
            version = str(chart["version"]).removeprefix("v")
            assert (FOLDER / f"{chart['name']}-{version}.json").is_file(), f"{path.parent.name}: {chart}"
