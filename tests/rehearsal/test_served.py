"""The copy of the working tree that Argo CD reads."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.findings import UserError
from modelyard.rehearsal.served import serve
from modelyard.tooling import require, run
from tests.rehearsal.faults import view_of
from tests.repositories.edits import REMOVE, apply_edits


def built(folder: Path) -> list[dict[str, Any]]:
    """Return what kustomize builds of a folder."""
    done = run([require("kustomize").path, "build", str(folder)], timeout=60.0, check=True)
    return list(yaml.safe_load_all(done.stdout))


def test_it_holds_the_working_tree_under_its_own_address(one_model: Path, tmp_path: Path) -> None:
    (one_model / "uncommitted.txt").write_text("here")
    (one_model / ".gitignore").write_text("ignored.txt\n")
    (one_model / "ignored.txt").write_text("not here")
    before = sorted(each.relative_to(one_model) for each in one_model.rglob("*"))
    view = view_of(one_model)
    served = serve(one_model, tmp_path, view)
    assert served.url.startswith("file://") and served.address == view.facts["repository"]
    assert (served.path / "uncommitted.txt").read_text() == "here"
    assert not (served.path / "ignored.txt").exists()
    assert sorted(each.relative_to(one_model) for each in one_model.rglob("*")) == before
    text = yaml.safe_dump(built(served.path / "environments" / view.name))
    assert served.url in text and served.address not in text
    assert served.git("status", "--porcelain") == ""


def test_a_commit_is_what_stands_in_the_copy(one_model: Path, tmp_path: Path) -> None:
    served = serve(one_model, tmp_path, view_of(one_model))
    first = served.git("rev-parse", "HEAD").strip()
    served.edit("environments/dev", lambda content: content.setdefault("commonAnnotations", {}).update({"a": "b"}))
    second = served.commit("an annotation")
    assert first != second == served.git("rev-parse", "main").strip()
    assert "commonAnnotations" in served.git("show", "--stat", "--patch", "HEAD")


def test_charts_are_left_out_and_named(bases: dict[str, Path], tmp_path: Path) -> None:
    view = view_of(bases["starter-models"])
    with_charts = {each.name for each in view.applications if any(source.chart for source in each.sources)}
    served = serve(bases["starter-models"], tmp_path, view)
    assert set(served.charts) == with_charts and with_charts
    applications = [each for each in built(served.path / "environments" / view.name) if each["kind"] == "Application"]
    assert len(applications) == len(view.applications)
    for value in applications:
        sources = value["spec"].get("sources", [])
        assert not any("chart" in source for source in sources)
        assert len(sources) == (1 if value["metadata"]["name"] in with_charts else 0)


def test_charts_in_other_git_repositories_are_left_out_as_well(bases: dict[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(bases["one-model"], tmp_path / "one-model", symlinks=True)
    other = "https://github.com/vllm-project/aibrix.git"
    file = root / "environments/dev/applications/external-secrets.yaml"
    content = yaml.safe_load(file.read_text())
    (chart,) = [each for each in content["spec"]["sources"] if "chart" in each]
    chart.pop("chart")
    chart.update(repoURL=other, path="dist/chart", targetRevision="v0.7.0")
    file.write_text(yaml.safe_dump(content))
    served = serve(root, tmp_path, view_of(root))
    assert served.charts["external-secrets"] == f"dist/chart of {other}"
    applications = [each for each in built(served.path / "environments/dev") if each["kind"] == "Application"]
    assert other not in yaml.safe_dump(applications) and "external-secrets" in yaml.safe_dump(applications)


def test_an_environment_that_names_no_repository_is_refused(one_model: Path, tmp_path: Path) -> None:
    apply_edits(one_model, {"edit": {"environments/dev/environment.yaml": {"repository": REMOVE}}})
    with pytest.raises(UserError, match="does not say which repository"):
        serve(one_model, tmp_path, view_of(one_model))
