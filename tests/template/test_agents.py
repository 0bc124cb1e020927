"""AGENTS.md of a generated repository: each command that it shows works there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from shutil import copytree

import pytest
from typer.testing import CliRunner

from modelyard.cli.application import application
from modelyard.tooling.git import git

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "template/repository/AGENTS.md"
NAMES = {"MODEL": "chat", "FEATURE": "hf-token", "OVERLAY": "qwen3-1-7b-vllm-gpu", "ENV": "dev"}


def commands() -> list[str]:
    """Return the commands of the page, without their comments."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [line.partition(" #")[0].strip() for block in blocks for line in block.splitlines()]


@pytest.fixture(scope="module")
def clone(bases: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = Path(copytree(bases["one-model"], tmp_path_factory.mktemp("agents") / "repo", symlinks=True))
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "x"]):
        assert git(root, *words).returncode == 0
    return root


@pytest.mark.slow
@pytest.mark.parametrize("command", [each for each in commands() if each != "pytest"])
def test_each_command_works(command: str, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *words = shlex.split(command)
    assert program == "modelyard"
    monkeypatch.chdir(clone)
    done = CliRunner().invoke(application(), [NAMES.get(each, each) for each in words])
    assert done.exit_code == 0, done.output
    written = git(clone, "status", "--short").stdout.decode()
    assert set(written.split()) <= {"??", "findings.json"}, "what only looks writes nothing"


def test_the_generated_repository_has_the_page(bases: dict[str, Path]) -> None:
    assert (bases["one-model"] / "AGENTS.md").read_text() == PAGE.read_text()
    assert len(commands()) >= 12
