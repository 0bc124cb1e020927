"""`modelyard update` as a command: what it asks, says, and checks."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from modelyard.scaffolding.git import author, commit_everything, git, output
from modelyard.scaffolding.trust import trust
from modelyard.tooling import Completed, run
from tests.template.kustomize import program
from tests.terminals import Terminal


def commit(root: Path, message: str) -> str:
    return commit_everything(root, message, author(root))


def command(root: Path, *words: str) -> Completed:
    program()
    return run([sys.executable, "-m", "modelyard", "update", *words], cwd=root, timeout=300, env={"NO_COLOR": "1"})


@pytest.mark.slow
def test_every_question_can_be_asked_anew_but_for_what_says_which_files_these_are(
    repository: Path, template: Path
) -> None:
    program()
    details = yaml.safe_load((template / "copier.yml").read_text())
    texts = {str(each["help"]): name for name, each in details.items() if isinstance(each, dict) and "help" in each}
    terminal = Terminal(repository, "update", "--ask", "--env", "dev")
    asked = []
    while True:
        # A prompt that holds the recorded answer is emptied first.
        answers = {text: "\x15\x0b24" if name == "gpu_limit" else "" for text, name in texts.items()}
        question = terminal.answer_one(answers)
        if question is None:
            break
        asked.append(texts.pop(question))
    assert terminal.finish() == 0, terminal.shown
    assert {"account_id", "region", "gpu_pool", "gpu_limit", "components", "starter_models"} <= set(asked)
    assert not {"scope", "environment_name"} & set(asked)
    recorded = yaml.safe_load((repository / "environments/dev/.copier-answers.yml").read_text())
    assert recorded["gpu_limit"] == 24 and recorded["account_id"] == "111122223333"
    assert '"24"' in (repository / "environments/dev/platform/karpenter/kustomization.yaml").read_text()
    assert "check of the result: 0 errors" in terminal.shown
    assert output(repository, "log", "-1", "--format=%s") == "Change answers of the environment dev"


@pytest.mark.slow
def test_the_result_is_checked_and_told(repository: Path) -> None:
    done = command(repository, "--env", "dev", "--set", "gpu_limit=24")
    said = done.stdout.decode().splitlines()
    commit_ = output(repository, "rev-parse", "HEAD")
    assert done.returncode == 0, done.stdout.decode() + done.stderr
    assert said[0] == f"environment dev  v0.1.0, other answers or files, commit {commit_[:12]}"
    assert said[1].startswith("check of the result: 0 errors, ")
    again = command(repository, "--env", "dev", "--set", "gpu_limit=24")
    assert (again.returncode, again.stdout.decode()) == (0, "environment dev  is current\n")


@pytest.mark.slow
def test_a_result_that_does_not_pass_is_written_and_told(repository: Path) -> None:
    settings = repository / "overlays/qwen3-1-7b-vllm-gpu/vllm.yaml"
    settings.write_text(settings.read_text().replace("tensor-parallel-size: 1", "tensor-parallel-size: 3"))
    commit(repository, "Share heads among three")
    done = command(repository, "--env", "dev", "--set", "gpu_limit=24")
    said = done.stdout.decode()
    assert done.returncode == 1, said + done.stderr
    assert "overlays/qwen3-1-7b-vllm-gpu/vllm.yaml:" in said and "error fit/indivisible-attention-heads: " in said
    assert said.endswith("next: modelyard check\n")
    unchecked = command(repository, "--env", "dev", "--set", "gpu_limit=40", "--no-check", "--json")
    content = json.loads(unchecked.stdout)
    assert unchecked.returncode == content["exit_code"] == 0 and content["check"] is None


@pytest.mark.slow
def test_a_template_without_releases_is_followed_at_its_head_without_a_word_of_copier(
    template: Path, repository: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "untagged"
    shutil.copytree(template, clone, symlinks=True)
    git(clone, "tag", "--delete", "v0.1.0")
    (clone / "bases/serving/vllm/NOTES.md").write_text("newer\n")
    commit(clone, "Add notes")
    answers = repository / ".copier-answers.yml"
    old = output(clone, "rev-parse", "--short", "HEAD~1")
    answers.write_text(answers.read_text().replace(str(template), str(clone)).replace("v0.1.0", f"'{old}'"))
    # A commit without a release is installed from Git, and not by the wheels of one.
    requirements = repository / "requirements.txt"
    rest = requirements.read_text().partition("pytest")
    pinned = f"modelyard @ git+https://github.com/modelyard/modelyard@{output(clone, 'rev-parse', 'HEAD~1')}\n"
    told = "# The checker, at the commit of the template that wrote this repository; `modelyard update` moves both.\n"
    requirements.write_text(told + pinned + rest[1] + rest[2])
    commit(repository, "Follow a template without releases")
    trust(str(clone))
    for environment in ("dev", "prod"):
        shutil.rmtree(repository / "environments" / environment)
    commit(repository, "Keep what is shared")
    done = command(repository, "--no-check")
    assert done.returncode == 0, done.stdout.decode() + done.stderr
    new = output(clone, "rev-parse", "--short", "HEAD")
    assert done.stdout.decode().startswith(f"repository  {old} → {new}, commit ")
    tip = output(clone, "rev-parse", "HEAD")
    assert done.stderr == f"template: {clone} at commit {tip[:12]}\n"
    assert command(repository).stdout == b"repository  is current\n"
