"""No finding on repositories that are right: every day's edits of the bases, and repositories of other people."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.checking import CheckOptions, check
from modelyard.findings import Severity, UserError
from tests.faults.catalogue import HERE, benign_edits
from tests.faults.harness import complaints
from tests.repositories.copies import Copies

WANTED = 50
FOREIGN = HERE / "foreign"
JUDGED: dict[str, Any] = yaml.safe_load((FOREIGN / "judged.yaml").read_text())


@pytest.fixture(scope="module")
def copies(bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Copies:
    return Copies(bases, tmp_path_factory.mktemp("benign"))


@pytest.mark.parametrize("edits", [pytest.param(each, id=each["name"]) for each in benign_edits()])
def test_nothing_is_said_of_an_ordinary_edit(edits: dict[str, Any], copies: Copies) -> None:
    changes = {key: value for key, value in edits.items() if key not in ("name", "repository")}
    assert changes, "an edit that changes nothing shows nothing"
    with copies.changed(edits["repository"], changes) as root:
        assert complaints(root) == []


def test_there_are_many_ordinary_edits() -> None:
    assert len({each["name"] for each in benign_edits()}) >= WANTED


@pytest.mark.parametrize("name", sorted(JUDGED))
def test_findings_on_other_peoples_repositories_are_the_judged_ones(name: str, tmp_path: Path) -> None:
    # A folder of this clone would be a part of this project, whose addresses are others.
    root = Path(shutil.copytree(FOREIGN / name, tmp_path / name))
    report = check(root, CheckOptions(policies=False))
    judged = JUDGED[name]
    assert [f"{each.rule} {each.at.place()}" for each in report.findings] == [
        entry["finding"] for entry in judged["findings"]
    ]
    # Subjects with one reason are one gap.
    told = {subject for gap in report.not_checked for subject in (str(gap.subject), *str(gap.subject).split(" and "))}
    assert set(judged["not-checked"]) <= told


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"README.md": "# Ours\n"}, id="a README"),
        pytest.param({"deploy.yaml": "kind: [Application\n", "x.yaml": "\0\0"}, id="broken files"),
    ],
)
def test_what_holds_no_application_is_told_apart(files: dict[str, str], tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match="holds no environments") as refused:
        check(tmp_path, CheckOptions(policies=False))
    assert "modelyard new" in refused.value.fix


def test_an_application_without_a_name_is_looked_at_by_nobody(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Application\napiVersion: argoproj.io/v1alpha1\n")
    report = check(tmp_path, CheckOptions(policies=False))
    assert report.findings == []
    assert report.exit_code(Severity.ERROR, strict=False) == 3, "nothing was looked at"


@pytest.mark.slow
def test_two_hundred_applications_of_other_people(tmp_path: Path) -> None:
    for number in range(200):
        folder = tmp_path / f"apps/app-{number}/deep"
        folder.mkdir(parents=True)
        (folder / "service.yaml").write_text(SERVICE.format(number))
        application = tmp_path / f"argocd/app-{number}.yaml"
        application.parent.mkdir(exist_ok=True)
        application.write_text(APPLICATION.format(number))
    report = check(tmp_path, CheckOptions(policies=False))
    assert [summary.applications for summary in report.environments] == [200]
    found = [finding for finding in report.findings if finding.rule == "network/dangling-service"]
    assert len(found) == 200, "folders in folders are read where the Application says so"


SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: app-{0}}}
spec: {{selector: {{app: app-{0}}}, ports: [{{port: 80}}]}}
"""
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: app-{0}, namespace: argocd}}
spec:
  project: default
  source:
    repoURL: https://git.example.com/ops/many.git
    targetRevision: main
    path: apps/app-{0}
    directory: {{recurse: true}}
  destination: {{server: https://kubernetes.default.svc, namespace: app-{0}}}
  syncPolicy: {{syncOptions: [CreateNamespace=true]}}
"""


def test_every_foreign_repository_is_judged() -> None:
    assert set(JUDGED) == {path.name for path in FOREIGN.iterdir() if path.is_dir()}
