"""Workflows of this project and of what it generates hold no weakness that zizmor knows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from modelyard.tooling import find

PROJECT = Path(__file__).parents[1]
FOLDERS = (".github/workflows", "template/repository/.github/workflows")
WORKFLOWS = sorted(path for folder in FOLDERS for path in (PROJECT / folder).glob("*.y*ml"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_zizmor_finds_nothing(folder: str) -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    done = subprocess.run(
        [zizmor, "--offline", "--no-progress", "--pedantic", PROJECT / folder], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_actions_are_pinned_by_commit_with_their_version(workflow: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", workflow.read_text())
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), f"{action} is not pinned by commit"
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), f"{action} does not say its version"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_actionlint_finds_nothing(workflow: Path) -> None:
    actionlint = find("actionlint")
    if actionlint is None:
        pytest.skip("actionlint is not installed: modelyard tools install actionlint")
    done = subprocess.run([actionlint.path, "-no-color", workflow], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_workflow_grants_nothing_and_does_not_run_twice_at_a_time(workflow: Path) -> None:
    text = workflow.read_text()
    assert re.search(r"^permissions: \{\}$", text, re.MULTILINE), "permissions belong to jobs"
    assert re.search(r"^concurrency:$", text, re.MULTILINE) or PROJECT / ".github" in workflow.parents
