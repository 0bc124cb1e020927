"""The worked `.gitlab-ci.yml` of the documentation: its commands run, and a stand-in of the API takes its notes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.diffing.conftest import CHAT, Changed, git

PAGE = Path(__file__).parents[2] / "docs/gitlab.md"

# Keeps notes in a file, as GitLab's API would.
_CURL = """
import json, os, sys
from pathlib import Path
words = sys.argv[1:]
state = Path(os.environ["NOTES"])
notes = json.loads(state.read_text())
method = words[words.index("-X") + 1] if "-X" in words else "GET"
url = next(word for word in words if word.startswith("https://"))
assert f"PRIVATE-TOKEN: {os.environ['MODELYARD_NOTES_TOKEN']}" in words
assert url.startswith("https://gitlab.example/api/v4/projects/7/merge_requests/3/notes"), url
if method == "GET":
    print(json.dumps(notes))
else:
    body = json.loads(Path(words[words.index("--data") + 1].removeprefix("@")).read_text())["body"]
    if method == "POST":
        notes.append({"id": 100 + len(notes), "body": body})
    else:
        next(each for each in notes if each["id"] == int(url.rpartition("/")[2]))["body"] = body
    state.write_text(json.dumps(notes))
"""


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    """The file as the page shows it."""
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return dict(yaml.safe_load(text))


class Pipeline:
    """A checkout with stand-ins for what only a runner of GitLab has."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.notes_file = root, folder / "notes.json"
        self.programs = folder / "bin"
        self.programs.mkdir(parents=True)
        self.notes = [{"id": 1, "body": "<!-- modelyard:dev is not at its start"}]
        for name, text in (
            ("mise", '#!/bin/bash\nshift 2\nexec "$@"\n'),
            ("modelyard", f'#!/bin/bash\nexec {sys.executable} -m modelyard "$@"\n'),
            ("curl", f"#!{sys.executable}\n{_CURL}"),
        ):
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o755)

    @property
    def notes(self) -> list[dict[str, Any]]:
        """What GitLab holds."""
        return list(json.loads(self.notes_file.read_text()))

    @notes.setter
    def notes(self, notes: list[dict[str, Any]]) -> None:
        self.notes_file.write_text(json.dumps(notes))

    def run(self, job: Mapping[str, Any], **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the script of a job as one shell, which is what a runner does."""
        known = {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "NOTES": str(self.notes_file),
            "CI_API_V4_URL": "https://gitlab.example/api/v4",
            "CI_MERGE_REQUEST_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_IID": "3",
            "CI_JOB_URL": "https://gitlab.example/acme/platform/-/jobs/9",
            "MODELYARD_NOTES_TOKEN": "token-of-the-project",
            **variables,
        }
        return subprocess.run(
            ["/bin/bash", "-eo", "pipefail", "-c", "\n".join(job["script"])],
            cwd=self.root,
            env={**os.environ, **known},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def pipeline(changed: Changed, tmp_path: Path) -> Pipeline:
    """The repository with one model, in a pipeline."""
    return Pipeline(changed.root, tmp_path / "runner")


def test_a_check_leaves_the_reports_that_gitlab_is_told_of(jobs: dict[str, Any], pipeline: Pipeline) -> None:
    done = pipeline.run(jobs["check"])
    assert done.returncode in (0, 3), done.stderr  # 3: charts are not in the cache
    reports = jobs["check"]["artifacts"]["reports"]
    assert json.loads((pipeline.root / reports["codequality"]).read_text()) == []
    assert "<testsuites" in (pipeline.root / reports["junit"]).read_text()


@pytest.mark.slow
def test_a_preview_becomes_one_note_that_is_renewed(jobs: dict[str, Any], pipeline: Pipeline, changed: Changed) -> None:
    base = git(changed.root, "rev-parse", "HEAD")
    for before, after in (("64", "32"), ("32", "16")):
        changed.replace(CHAT, f"--max-num-seqs={before}", f"--max-num-seqs={after}")
        changed.commit(f"seqs-{after}")
        done = pipeline.run(jobs["preview"], CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
        assert done.returncode == 0, done.stdout + done.stderr
        done = pipeline.run(jobs["note"])
        assert done.returncode == 0, done.stderr
    first, note = pipeline.notes
    assert first["body"] == "<!-- modelyard:dev is not at its start"
    assert (
        note["body"].startswith("<!-- modelyard:dev -->\n### dev: no new findings, same cost, 1 pod restarts")
        and "max-num-seqs" in note["body"]
    )


def test_notes_run_nothing_that_an_artifact_is_called(jobs: dict[str, Any], pipeline: Pipeline) -> None:
    folder = pipeline.root / "preview"
    folder.mkdir()
    for name in ("$(touch pwned)", "a;b", "Dev", "prod"):
        (folder / f"{name}.md").write_text("<!-- modelyard:dev -->\n")
    done = pipeline.run(jobs["note"])
    assert done.returncode == 0, done.stderr
    assert len(pipeline.notes) == 1 and "left out" in done.stdout
    assert not (pipeline.root / "pwned").exists()


def test_the_job_with_the_token_checks_nothing_out(jobs: dict[str, Any]) -> None:
    assert jobs["note"]["variables"] == {"GIT_STRATEGY": "none"}
    others = [job for name, job in jobs.items() if name not in ("note", "variables") and isinstance(job, dict)]
    assert "MODELYARD_NOTES_TOKEN" not in json.dumps(others)
    assert "modelyard diff" not in " ".join(jobs["note"]["script"])
