"""Answers files that somebody edited: what they say of the template is refused with its place, not guessed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from modelyard.scaffolding.git import author, commit_everything, git
from modelyard.tooling import run

RESTORE = "restore the file as the template wrote it"


@pytest.mark.parametrize(
    ("text", "place", "message", "fix"),
    [
        pytest.param(
            "_src_path: /t\n_commit: 0123456\n",
            ":2:",
            "YAML does not read _commit as text: 0123456",
            "put it in quotes, _commit: '0123456', and commit",
            id="a commit of digits alone",
        ),
        pytest.param(
            "_src_path: [/t]\n_commit: v1\n", ":1:", "YAML does not read _src_path as text", RESTORE, id="list"
        ),
        pytest.param("scope: repository\n", "", "does not say which template wrote it", RESTORE, id="nothing recorded"),
        pytest.param("", "", "does not say which template wrote it", RESTORE, id="empty"),
        pytest.param("_src_path: [\n", ":2:", "is not valid YAML", "", id="not YAML"),
        pytest.param("_commit: 2026-99-99\n", "", "is not valid YAML", RESTORE, id="no date"),
    ],
)
@pytest.mark.parametrize("verb", [("update",), ("new", ".", "--env", "dev")], ids=["update", "new"])
def test_what_does_not_name_the_template_is_refused(
    tmp_path: Path, verb: tuple[str, ...], text: str, place: str, message: str, fix: str
) -> None:
    (tmp_path / ".copier-answers.yml").write_text(text)
    git(tmp_path, "init", "--quiet")
    commit_everything(tmp_path, "Start", author(tmp_path))
    done = run([sys.executable, "-m", "modelyard", *verb], cwd=tmp_path, timeout=300, env={"NO_COLOR": "1"})
    assert done.returncode == 2, done.stderr
    assert f".copier-answers.yml{place}" in done.stderr
    assert message in done.stderr
    assert fix in done.stderr
