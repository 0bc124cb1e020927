"""`modelyard new`: whole or not at all, and every refusal with its remedy."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml

from modelyard.findings import ExitCode
from modelyard.scaffolding import new, new_environment, new_repository
from modelyard.scaffolding.git import git, output
from modelyard.tooling import ToolMissing
from modelyard.tooling.executables import forget
from tests.template.conftest import REPOSITORY_URL, refusal

DATA = {"repository_url": REPOSITORY_URL, "account_id": "111122223333"}


def test_one_command_writes_and_commits_both_scopes(template: Path, tmp_path: Path) -> None:
    made = new_repository(tmp_path / "deep/my-platform", template=str(template), data=DATA, interactive=False)
    root = made.repository
    assert (made.environment, made.template) == ("dev", "v0.1.0")
    assert output(root, "status", "--porcelain") == ""
    assert output(root, "rev-parse", "HEAD") == made.commit
    assert output(root, "log", "--format=%s") == "Start from Modelyard's template v0.1.0, with the environment dev"
    answers = yaml.safe_load((root / "environments/dev/.copier-answers.yml").read_text())
    assert answers["_src_path"] == str(template), "a relative or temporary path would break updates"
    assert answers["cluster_name"] == "my-platform-dev", "the folder's name is the platform's"
    assert answers["repository_url"] == REPOSITORY_URL, "asked once, for the repository"
    assert list(tmp_path.iterdir()) == [tmp_path / "deep"]
    assert list((tmp_path / "deep").iterdir()) == [root]


def test_an_empty_folder_is_taken(template: Path, tmp_path: Path) -> None:
    (tmp_path / "my-platform").mkdir()
    made = new_repository(
        tmp_path / "my-platform", environment="prod", template=str(template), data=DATA, interactive=False
    )
    assert made.environment == "prod"
    assert (made.repository / "environments/prod/environment.yaml").is_file()


def test_somebody_without_a_name_in_git_can_start(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [each for each in os.environ if each.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    monkeypatch.delenv("EMAIL", raising=False)
    made = new_repository(tmp_path / "my-platform", template=str(template), data=DATA, interactive=False)
    assert output(made.repository, "log", "--format=%an <%ae>") == "Modelyard <modelyard@localhost>"


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_is_there_is_not_overwritten(kind: str, tmp_path: Path) -> None:
    target = tmp_path / "my-platform"
    if kind == "folder":
        target.mkdir()
        (target / "mine").write_text("mine")
    elif kind == "file":
        target.write_text("mine")
    else:
        target.symlink_to(tmp_path / "elsewhere")
    refused = refusal(new_repository, target, data=DATA, interactive=False)
    assert refused.exit_code is ExitCode.USAGE
    assert "is not empty" in refused.message and "--env" in refused.fix


def test_a_folder_that_cannot_be_written_is_refused(template: Path, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        parent = Path("/sys/kernel") if Path("/sys/kernel").is_dir() else pytest.skip("root may write everywhere here")
    else:
        parent = tmp_path / "locked"
        parent.mkdir(mode=0o555)
    refused = refusal(new_repository, parent / "my-platform", template=str(template), data=DATA, interactive=False)
    assert f"{parent / 'my-platform'} cannot be written" in refused.message


def test_nothing_is_left_when_it_is_interrupted(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(new, "_put", interrupted)
    with pytest.raises(KeyboardInterrupt):
        new_repository(tmp_path / "my-platform", template=str(template), data=DATA, interactive=False)
    assert list(tmp_path.iterdir()) == []


def test_without_git_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    forget()
    try:
        with pytest.raises(ToolMissing) as caught:
            new_repository(tmp_path / "my-platform", data=DATA, interactive=False)
    finally:
        monkeypatch.undo()
        forget()
    assert "git" in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_question_is_refused_with_a_proposal(template: Path, tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text("repository_url: https://github.com/acme/my-platform.git\nacount_id: '111122223333'\n")
    refused = refusal(
        new_repository, tmp_path / "my-platform", template=str(template), answers_file=file, interactive=False
    )
    assert refused.message == "there is no question acount_id"
    assert refused.fix == "did you mean account_id?"
    assert refused.at is not None
    assert str(refused.at.place()) == f"{file}:2:1"
    assert sorted(tmp_path.iterdir()) == [file]


def test_the_command_line_wins_over_the_file(template: Path, tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text("environment_name: prod\nregion: eu-west-1\naccount_id: '111122223333'\n")
    made = new_repository(
        tmp_path / "my-platform",
        template=str(template),
        answers_file=file,
        data={"repository_url": REPOSITORY_URL, "region": "us-east-2"},
        interactive=False,
    )
    facts = yaml.safe_load((made.repository / "environments/prod/environment.yaml").read_text())
    assert facts["region"] == "us-east-2"
    assert facts["zones"] == ["us-east-2a", "us-east-2b", "us-east-2c"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"- a list\n"])
def test_answers_that_cannot_be_read_are_refused(content: bytes | None, template: Path, tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    if content is not None:
        file.write_bytes(content)
    refused = refusal(new_repository, tmp_path / "x", template=str(template), answers_file=file, interactive=False)
    assert "answers file" in refused.message
    assert refused.exit_code is ExitCode.USAGE


def test_an_environment_that_exists_is_refused(two_environments: Path) -> None:
    refused = refusal(new_environment, two_environments, environment="prod", interactive=False)
    assert "the environment prod exists already" in refused.message


def test_an_environment_without_a_name_is_refused(two_environments: Path) -> None:
    assert "--env" in refusal(new_environment, two_environments, interactive=False).fix


def test_an_environment_needs_a_repository_of_ours(tmp_path: Path) -> None:
    refused = refusal(new_environment, tmp_path, environment="prod", interactive=False)
    assert "it has no .copier-answers.yml" in refused.message and "modelyard new" in refused.fix


def test_an_environment_comes_from_the_version_that_wrote_the_repository(
    two_environments: Path, template: Path, tmp_path: Path
) -> None:
    root = tmp_path / "my-platform"
    shutil.copytree(two_environments, root, symlinks=True)
    made = new_environment(root, environment="staging", data={"account_id": "777788889999"}, interactive=False)
    assert made.commit is None and made.template == "v0.1.0"
    assert output(root, "status", "--porcelain") == "?? environments/staging/", "committing it is left to the user"
    git(root, "add", "--all")
    added = output(root, "diff", "--cached", "--name-only").splitlines()
    assert all(each.startswith("environments/staging/") for each in added)
