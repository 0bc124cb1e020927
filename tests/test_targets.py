"""Whoever changes the files of a target that continuous integration leaves out has run it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

PROJECT = Path(__file__).parents[1]
RECORD = YAML(typ="safe").load(PROJECT / "docs/targets.yaml")


def targets(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "scripts/targets.py", *words], cwd=project, capture_output=True, text=True)


def test_no_target_waits_for_another_run() -> None:
    done = targets(PROJECT, "check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", RECORD)
def test_each_is_in_the_makefile_and_its_files_are_there(name: str) -> None:
    assert re.search(rf"^{name}:.* ## ", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert [path for path in RECORD[name]["ground"] if not (PROJECT / path).exists()] == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project of one target, whose files have changed since its last run."""
    for folder in ("scripts", "docs", "ground"):
        (tmp_path / folder).mkdir()
    shutil.copy(PROJECT / "scripts/targets.py", tmp_path / "scripts")
    (tmp_path / "ground/a.txt").write_text("1")
    last = "{result: passed, date: 2026-01-01, revision: '0', minutes: 1, digest: '0'}"
    (tmp_path / "docs/targets.yaml").write_text(f"apply:\n  about: applies\n  ground: [ground]\n  last: {last}\n")
    for words in (["git", "init", "-q"], ["git", "add", "."]):
        subprocess.run(words, cwd=tmp_path, check=True)
    author = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    subprocess.run(["git", *author, "commit", "-qm", "project"], cwd=tmp_path, check=True)  # noqa: S607
    return tmp_path


def test_a_change_asks_for_a_run_and_a_run_answers_it(project: Path) -> None:
    assert "apply: its files changed since 2026-01-01: run make apply" in targets(project, "check").stderr
    done = targets(project, "run", "apply", "--", sys.executable, "-c", "print('== 3 passed, 1 skipped in 2.5s ==')")
    assert done.returncode == 0, done.stderr
    assert targets(project, "check").returncode == 0
    assert YAML(typ="safe").load(project / "docs/targets.yaml")["apply"]["last"]["result"] == "3 passed, 1 skipped"
    (project / "ground/new.txt").write_text("2")
    assert targets(project, "check").returncode == 1, "a file that Git does not know yet counts too"


def test_a_run_that_fails_is_not_written_down(project: Path) -> None:
    before = (project / "docs/targets.yaml").read_text()
    done = targets(project, "run", "apply", "--", sys.executable, "-c", "raise SystemExit(3)")
    assert (done.returncode, (project / "docs/targets.yaml").read_text()) == (3, before)


def test_a_target_that_nobody_knows_is_refused(project: Path) -> None:
    done = targets(project, "run", "aply", "--", "true")
    assert (done.returncode, done.stderr) == (2, "docs/targets.yaml has no target aply; there are apply\n")
