"""Git in a folder whose configuration came with it: nothing that it names is started."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from modelyard.checking.revisions import Revisions
from modelyard.diffing.history import History
from modelyard.repository import Repository
from modelyard.tooling import require
from modelyard.tooling.git import git, inert_environment, remote

COMMON = ("-c", "user.name=a", "-c", "user.email=a@b")


def plain(folder: Path, *words: str) -> str:
    """Run Git as a user would, on an own configuration."""
    variables = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(
        [require("git").path, *COMMON, *words], cwd=folder, env=variables, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "ran"


@pytest.fixture
def program(tmp_path: Path, mark: Path) -> Path:
    path = tmp_path / "program"
    path.write_text(f"#!/bin/sh\necho ran >> {mark}\ncat\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def folder(tmp_path: Path, program: Path) -> Path:
    """A repository whose attributes and configuration name a program wherever they can."""
    root = tmp_path / "folder"
    root.mkdir()
    plain(root, "init", "--quiet", "--initial-branch=main")
    (root / ".gitattributes").write_text("*.txt filter=evil diff=evil merge=evil\n")
    (root / "a.txt").write_text("a\n")
    plain(root, "add", ".")
    plain(root, "commit", "--quiet", "-m", "first")
    plain(root, "tag", "v1")
    for name in ("clean", "smudge", "process"):
        plain(root, "config", f"filter.evil.{name}", str(program))
    for name in ("core.fsmonitor", "core.pager", "diff.external", "diff.evil.textconv", "diff.evil.command"):
        plain(root, "config", name, str(program))
    plain(root, "config", "filter.evil.required", "true")
    return root


def test_a_comparison_with_the_working_tree_starts_nothing(folder: Path, mark: Path) -> None:
    (folder / "a.txt").write_text("b\n")
    (folder / "new.txt").write_text("c\n")
    _, _, changed = History(folder).sides("HEAD")
    assert changed == {"a.txt", "new.txt"}
    assert not mark.exists()
    subprocess.run([require("git").path, "status"], cwd=folder, capture_output=True, check=False)
    assert mark.exists(), "Git itself would have started it"


def test_a_pinned_revision_is_unpacked_without_filters(folder: Path, mark: Path) -> None:
    found = Revisions(Repository(folder)).at("v1")
    assert isinstance(found, Repository) and found.files.text("a.txt") == "a\n"
    assert not mark.exists()


def test_a_submodule_is_not_looked_into(folder: Path, program: Path, mark: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    plain(inner, "init", "--quiet")
    plain(inner, "commit", "--quiet", "--allow-empty", "-m", "first")
    tip = plain(inner, "rev-parse", "HEAD").strip()
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{tip},inner", check=True)
    plain(inner, "config", "core.fsmonitor", str(program))
    (folder / ".gitmodules").write_text('[submodule "inner"]\n\tpath = inner\n\turl = ./inner\n\tignore = none\n')
    mark.unlink(missing_ok=True)
    History(folder).sides("HEAD")
    assert not mark.exists()


def test_what_a_partial_clone_lacks_is_not_fetched(folder: Path, program: Path, mark: Path, tmp_path: Path) -> None:
    blob = plain(folder, "rev-parse", "HEAD:a.txt").strip()
    for name, value in {
        "extensions.partialClone": "origin",
        "remote.origin.url": str(tmp_path),
        "remote.origin.promisor": "true",
        "remote.origin.partialclonefilter": "blob:none",
        "remote.origin.uploadpack": str(program),
        "core.repositoryFormatVersion": "1",
    }.items():
        plain(folder, "config", name, value)
    (folder / f".git/objects/{blob[:2]}/{blob[2:]}").unlink()
    assert git(folder, "cat-file", "-p", blob).returncode != 0
    assert not mark.exists()


def test_a_remote_is_asked_outside_of_the_folder(folder: Path, mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain(folder, "config", "url.ext::false .insteadOf", str(folder))
    plain(folder, "config", "protocol.ext.allow", "always")
    monkeypatch.chdir(folder)
    assert "refs/tags/v1" in remote(str(folder), "refs/tags/*").stdout.decode()
    assert remote("ext::sh -c true").returncode != 0 and remote("fd::17").returncode != 0


def test_the_user_s_own_settings_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "Somebody")
    assert git(folder, "config", "user.name").stdout == b"Somebody\n"
    assert git(folder, "config", "core.fsmonitor").stdout == b"false\n"
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    assert inert_environment(folder)["GIT_DIR"] is None


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside"])
def test_a_pinned_revision_with_a_link_that_leads_out_is_not_checked(folder: Path, target: str) -> None:
    (folder / "evil").symlink_to(target)
    git(folder, "add", "evil", check=True)
    git(folder, *COMMON, "commit", "--quiet", "-m", "link", check=True)
    git(folder, "tag", "v2", check=True)
    revisions = Revisions(Repository(folder))
    assert revisions.at("v2") == "revision v2 cannot be read: evil leads out of the repository"
    assert isinstance(revisions.at("v1"), Repository), "and others can"
