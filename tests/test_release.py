"""`make release`, in a scratch repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
CHANGELOG = "# Changelog\n\n## Unreleased\n\n### Added\n- A thing.\n\n## 0.1.0 (2026-01-01)\n- Another.\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(PROJECT / "scripts/release.py", tmp_path / "scripts")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "0.1.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    rules = tmp_path / "bases/platform/alerts/rules"
    rules.mkdir(parents=True)
    (rules / "x.yaml").write_text("runbook_url: https://github.com/x/x/blob/v0.1.0/docs/runbooks/a.md\n")
    for words in (
        ("init", "-q"),
        ("config", "user.name", "t"),
        ("config", "user.email", "t@example.com"),
        ("add", "-A"),
    ):
        git(tmp_path, *words)
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def git(project: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=project, check=True, capture_output=True, text=True).stdout  # noqa: S607


def release(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "scripts/release.py", *words], cwd=project, capture_output=True, text=True)


def test_version_changelog_commit_and_tag_agree(project: Path) -> None:
    done = release(project, "0.2.0")
    assert done.returncode == 0, done.stderr
    assert 'version = "0.2.0"' in (project / "pyproject.toml").read_text()
    changelog = (project / "CHANGELOG.md").read_text()
    assert changelog.index("## Unreleased") < changelog.index("## 0.2.0 (") < changelog.index("A thing")
    assert git(project, "log", "-1", "--format=%s").strip() == "Release 0.2.0"
    assert "A thing." in git(project, "tag", "--list", "-n9", "v0.2.0")
    assert "/blob/v0.2.0/docs/runbooks/a.md" in (project / "bases/platform/alerts/rules/x.yaml").read_text()
    assert git(project, "status", "--porcelain") == ""


def test_the_notes_of_a_tag_are_the_changelogs(project: Path) -> None:
    assert release(project, "0.2.0").returncode == 0
    assert release(project, "--notes", "v0.2.0").stdout == "### Added\n- A thing.\n"
    refused = release(project, "--notes", "v0.3.0")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "the tag is v0.3.0, and pyproject.toml says 0.2.0" in refused.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "name the version"),
        (("two",), "two is not a version"),
        (("0.0.9",), "0.0.9 is not newer than 0.1.0"),
    ],
)
def test_unfit_versions_are_refused_without_a_change(project: Path, words: tuple[str, ...], reason: str) -> None:
    done = release(project, *words)
    assert (done.returncode, git(project, "status", "--porcelain")) == (2, "")
    assert reason in done.stderr


def test_a_dirty_tree_and_an_empty_changelog_are_refused(project: Path) -> None:
    (project / "pyproject.toml").write_text((project / "pyproject.toml").read_text() + "# x\n")
    assert "has changes" in release(project, "0.2.0").stderr
    git(project, "checkout", "-q", ".")
    (project / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n## 0.1.0 (2026-01-01)\n- Another.\n")
    git(project, "commit", "-qam", "empty")
    assert "nothing under Unreleased" in release(project, "0.2.0").stderr
