"""The template in a wheel: Git and Copier read it in place of the project's address, at its own commit only."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from copier._vcs import clone

from modelyard.findings import UserError
from modelyard.scaffolding import carried, source
from modelyard.scaffolding.copying import _inert_git
from modelyard.scaffolding.source import TemplateSource, offered, template_source
from modelyard.tooling.git import remote

ADDRESS = "https://git.invalid/modelyard"  # no name server answers for .invalid: RFC 2606
QUESTIONS = "name:\n  type: str\n"


def plain(folder: Path, *words: str, given: bytes | None = None) -> bytes:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", *identity, *words]
    return subprocess.run(command, cwd=folder, input=given, env=environment, check=True, capture_output=True).stdout


@pytest.fixture
def commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The second commit of a repository, packed into the package as `scripts/wheels.py` packs it; tagged v0.2.0."""
    there = tmp_path / "there"
    there.mkdir()
    plain(there, "init", "-q")
    for content in ("old: true\n", QUESTIONS):
        (there / "copier.yml").write_text(content)
        plain(there, "add", "-A")
        plain(there, "commit", "-qm", content)
    head = plain(there, "rev-parse", "HEAD").decode().strip()
    listed = plain(there, "rev-list", "--objects", "--no-walk", head).decode().splitlines()
    names = "".join(f"{line.split(' ')[0]}\n" for line in listed)
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "commit.pack").write_bytes(plain(there, "pack-objects", "-q", "--stdout", given=names.encode()))
    (folder / "commit.json").write_text(json.dumps({"commit": head, "tag": "v0.2.0"}))
    monkeypatch.setattr(carried, "_FOLDER", folder)
    monkeypatch.setattr(source, "_project_url", lambda _: ADDRESS)
    return head


def test_the_carried_version_needs_no_network(commit: str) -> None:
    for ref in ("v0.2.0", commit, commit[:12]):
        named = TemplateSource(f"git+{ADDRESS}", ref)
        with offered(named):
            assert named.questions_text() == QUESTIONS
            listed = remote(ADDRESS, "v0.2.0").stdout.decode()
            assert listed == f"{commit}\trefs/tags/v0.2.0\n"


def test_copier_reads_it_and_keeps_no_mirror_of_it(
    commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPIER_CACHE_DIR", str(tmp_path / "mirrors"))
    with offered(TemplateSource(f"git+{ADDRESS}", "v0.2.0")), _inert_git(None):
        place = Path(clone(ADDRESS, "v0.2.0"))
        assert (place / "copier.yml").read_text() == QUESTIONS
        assert plain(place, "describe", "--tags").decode().strip() == "v0.2.0"
    assert not (tmp_path / "mirrors").exists()
    assert os.environ["COPIER_CACHE_DIR"] == str(tmp_path / "mirrors")


@pytest.mark.parametrize("ref", ["v0.3.0", None, "main", "0123456789abcdef"])
def test_another_version_is_asked_for_at_the_address(commit: str, ref: str | None) -> None:
    named = TemplateSource(f"git+{ADDRESS}", ref)
    with offered(named), pytest.raises(UserError, match=r"git\.invalid"):
        named.questions_text()


def test_another_template_is_not_answered_for(commit: str) -> None:
    named = TemplateSource("git+https://other.invalid/modelyard", "v0.2.0")
    with offered(named), pytest.raises(UserError, match=r"other\.invalid"):
        named.questions_text()


def test_nothing_is_answered_after_the_block(commit: str) -> None:
    named = TemplateSource(f"git+{ADDRESS}", "v0.2.0")
    with offered(named):
        pass
    with pytest.raises(UserError, match=r"git\.invalid"):
        named.questions_text()


def test_a_package_between_releases_names_its_commit(commit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = carried._FOLDER / "commit.json"
    told.write_text(json.dumps({"commit": commit, "tag": None}))
    monkeypatch.setattr(source, "_distribution", lambda: _Wheel())
    assert template_source() == TemplateSource(f"git+{ADDRESS}", commit)


class _Wheel:
    version = "0.2.0"

    def read_text(self, _: str) -> None:
        return None
