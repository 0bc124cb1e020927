"""A cache that a repository brings is not believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.findings import UserError
from modelyard.repository.own_folders import require_own_cache
from modelyard.tooling.git import git


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "r"
    (folder / ".cache/modelyard").mkdir(parents=True)
    git(folder, "init", "--quiet", check=True)
    return folder


def test_a_cache_in_the_working_copy_holds_nothing_that_git_tracks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(root / ".cache/modelyard"))
    (root / ".cache/modelyard/entry.json").write_text("{}")
    require_own_cache(root)
    git(root, "add", "--force", ".cache", check=True)
    with pytest.raises(UserError, match="brings files in it"):
        require_own_cache(root)


def test_a_cache_is_not_reached_by_a_link_of_the_repository(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "linked").symlink_to(".cache")
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(root / "linked/modelyard"))
    with pytest.raises(UserError, match="brings a link to it"):
        require_own_cache(root)


def test_a_cache_elsewhere_is_ours(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    (root / ".cache/modelyard/entry.json").write_text("{}")
    git(root, "add", ".", check=True)
    require_own_cache(root)
