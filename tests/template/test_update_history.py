"""Updates from what the template was at several moments of its history, with edits of the user in every file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from modelyard.editing import migrate
from modelyard.scaffolding import new_environment, new_repository, update
from modelyard.scaffolding.git import author, commit_everything, git, output
from modelyard.tooling.git import reaching_out
from tests.template.conftest import PARTS, PROJECT, REPOSITORY_URL
from tests.template.kustomize import builds, targets

NOW = "v9.0.0"
MOMENTS = 2
USER_LINE = "# kept for the user"
_NO_COMMENTS = {".json"}


def moments() -> list[str]:
    """Return commits of the project that changed the questions, spread over its history, oldest first."""
    released = git(PROJECT, "tag", "--list", "v*", check=False).stdout.decode().split()
    told = git(PROJECT, "log", "--reverse", "--format=%H", "--", "copier.yml", check=False).stdout.decode().split()
    return released or [told[number * len(told) // MOMENTS] for number in range(MOMENTS if len(told) >= MOMENTS else 0)]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own history, with the template as it is in the work tree as its newest release."""
    found = moments()
    if not found:
        pytest.skip("this copy of the project has no history to update from: neither tags nor commits of copier.yml")
    clone = tmp_path_factory.mktemp("history") / "modelyard"
    git(PROJECT, "clone", "--quiet", "--no-tags", str(PROJECT), str(clone), env=reaching_out())
    for number, commit in enumerate(found):
        git(clone, "tag", f"v0.{number}.0", commit)
    for name in PARTS:
        gone = clone / name
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
        source = PROJECT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns(".terraform", "__pycache__")
            shutil.copytree(source, gone, symlinks=True, ignore=ignored)
        else:
            shutil.copy2(source, gone)
    if output(clone, "status", "--porcelain"):
        commit_everything(clone, "Now", author(clone))
    git(clone, "tag", NOW)
    return clone


def resolved(text: str) -> str:
    """Return a text with conflict markers resolved as people do who want both: the template's lines, then theirs."""
    kept: list[str] = []
    here: list[str] = []
    side = ""
    for line in text.split("\n"):
        if line.startswith("<<<<<<< before updating"):
            side, here = "here", []
        elif line == "=======" and side == "here":
            side = "template"
        elif line.startswith(">>>>>>> after updating") and side == "template":
            kept += [each for each in here if each == USER_LINE]
            side = ""
        elif side == "here":
            here.append(line)
        else:
            kept.append(line)
    return "\n".join(kept)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(MOMENTS))
def test_an_update_from_every_moment_keeps_what_the_user_wrote(history: Path, tmp_path: Path, number: int) -> None:
    tag = f"v0.{number}.0"
    if tag not in output(history, "tag").split():
        pytest.skip(f"the history has fewer than {number + 1} releases")
    root = tmp_path / "my-platform"
    data = {"repository_url": REPOSITORY_URL, "account_id": "111122223333"}
    new_repository(root, template=str(history), ref=tag, data=data, interactive=False)
    new_environment(root, environment="prod", data={"account_id": "444455556666"}, interactive=False)
    commit_everything(root, "Add prod", author(root))
    names = [name for name in output(root, "ls-files").splitlines() if not name.endswith(".copier-answers.yml")]
    edited = [root / name for name in names if Path(name).suffix not in _NO_COMMENTS]
    assert len(edited) > 50 and {file.suffix for file in edited} >= {".yaml", ".hcl", ".tfvars"}
    for file in edited:
        file.write_text(f"{file.read_text()}{USER_LINE}\n")
    (root / "notes.md").write_text("ours\n")
    commit_everything(root, "Edit every file", author(root))

    for _ in range(5):
        done = update(root, ref=NOW, interactive=False, migrate=migrate)
        if not done.conflicts and not done.replaced_answers:
            break
        assert {each.file for each in done.details} == set(done.conflicts)
        for name in done.conflicts:
            file = root / name
            if file.exists():
                file.write_text(resolved(file.read_text()))
        commit_everything(root, "Resolve", author(root))
    else:
        raise AssertionError(f"the update does not come to an end: {done}")

    for answers in (root / ".copier-answers.yml", *root.glob("environments/*/.copier-answers.yml")):
        assert yaml.safe_load(answers.read_text())["_commit"] == NOW
    lost = [file for file in edited if file.exists() and USER_LINE not in file.read_text()]
    assert not lost
    assert (root / "notes.md").read_text() == "ours\n"
    assert not list(builds(root, targets(root)))
