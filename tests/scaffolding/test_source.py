"""Where the template comes from."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from modelyard.scaffolding.git import author, commit_everything, git, output
from modelyard.scaffolding.questionnaire import Questionnaire
from modelyard.scaffolding.source import TemplateSource, template_source
from tests.template.conftest import refusal

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A template of one question, with a release and a later commit."""
    folder = tmp_path / "clone"
    folder.mkdir()
    git(folder, "init", "--quiet")
    for number in ("one", "two"):
        (folder / "copier.yml").write_text(f"question_{number}:\n  type: str\n  help: {number}\n")
        commit_everything(folder, number, author(folder))
        if number == "one":
            git(folder, "tag", "v0.1.0")
    return folder


def installed_from(monkeypatch: pytest.MonkeyPatch, direct_url: dict[str, Any] | None) -> None:
    distribution = metadata.distribution("modelyard")

    class Installed:
        version = "0.1.0"
        metadata = distribution.metadata

        @staticmethod
        def read_text(name: str) -> str | None:
            assert name == "direct_url.json"
            return None if direct_url is None else json.dumps(direct_url)

    monkeypatch.setattr(metadata, "distribution", lambda _: Installed)


def test_the_commit_that_the_package_was_installed_from(monkeypatch: pytest.MonkeyPatch) -> None:
    vcs = {"vcs": "git", "commit_id": COMMIT, "requested_revision": "v0.1.0"}
    installed_from(monkeypatch, {"url": "https://git.example.com/modelyard", "vcs_info": vcs})
    assert template_source() == TemplateSource("git+https://git.example.com/modelyard", COMMIT)
    assert template_source(ref="v0.2.0").ref == "v0.2.0"


def test_a_local_clone_that_the_package_was_installed_from(monkeypatch: pytest.MonkeyPatch) -> None:
    installed_from(monkeypatch, {"url": "file:///srv/modelyard", "vcs_info": {"vcs": "git", "commit_id": COMMIT}})
    assert template_source().url == "git+file:///srv/modelyard", "Copier reads file:// only with the prefix git+"


def test_credentials_of_the_installation_are_not_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    vcs = {"vcs": "git", "commit_id": COMMIT}
    installed_from(monkeypatch, {"url": "https://someone:secret@git.example.com/modelyard", "vcs_info": vcs})
    assert template_source().url == "git+https://git.example.com/modelyard"


def test_the_tag_of_the_version_when_it_came_from_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    installed_from(monkeypatch, None)
    assert template_source() == TemplateSource("git+https://github.com/modelyard/modelyard", "v0.1.0")


def test_the_folder_of_an_editable_installation(monkeypatch: pytest.MonkeyPatch, clone: Path) -> None:
    installed_from(monkeypatch, {"url": clone.as_uri(), "dir_info": {"editable": True}})
    assert template_source() == TemplateSource(str(clone.resolve()), "HEAD")


def test_a_relative_folder_becomes_absolute(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone.parent)
    assert template_source("clone") == TemplateSource(str(clone.resolve()), "HEAD")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://git.example.com/modelyard", "git+https://git.example.com/modelyard"),
        ("ssh://git@git.example.com/modelyard", "git+ssh://git@git.example.com/modelyard"),
        ("git@git.example.com:acme/modelyard.git", "git@git.example.com:acme/modelyard.git"),
        ("git+file:///srv/modelyard", "git+file:///srv/modelyard"),
    ],
)
def test_urls(given: str, url: str) -> None:
    assert template_source(given).url == url


def test_what_is_neither_folder_nor_url_is_refused() -> None:
    assert "neither a folder here nor a Git URL" in refusal(template_source, "modelyard").message


def test_a_folder_that_is_no_template_is_refused(tmp_path: Path, clone: Path) -> None:
    assert "it has no copier.yml" in refusal(template_source, str(tmp_path)).message
    inside = clone / "inside"
    inside.mkdir()
    (inside / "copier.yml").write_text("{}\n")
    assert "not the top of a Git repository" in refusal(template_source, str(inside)).message


def test_questions_are_those_of_the_version(clone: Path) -> None:
    here = template_source(str(clone))
    assert list(Questionnaire.of(here).questions) == ["question_two"]
    (clone / "copier.yml").write_text("question_three:\n  type: str\n")
    assert list(Questionnaire.of(here).questions) == ["question_three"], (
        "HEAD of a folder includes what is not committed"
    )
    for ref in ("v0.1.0", output(clone, "rev-parse", "v0.1.0")):
        assert list(Questionnaire.of(template_source(str(clone), ref)).questions) == ["question_one"]
        assert list(Questionnaire.of(template_source(clone.as_uri(), ref)).questions) == ["question_one"]


def test_a_version_that_is_not_there_is_refused(clone: Path) -> None:
    refused = refusal(Questionnaire.of, template_source(str(clone), "v9"))
    assert "no tag, branch or commit v9" in refused.message


def test_a_template_that_is_not_there_is_refused(tmp_path: Path) -> None:
    refused = refusal(Questionnaire.of, TemplateSource(f"git+{(tmp_path / 'gone').as_uri()}", "v0.1.0"))
    assert "cannot be read" in refused.message and "--template" in refused.fix
