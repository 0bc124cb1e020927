"""A generated repository is checked by the command and by pytest, its own rules included."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import yaml

from modelyard.tooling import Completed, run
from tests.template.kustomize import program

MODELYARD = Path(sys.executable).with_name("modelyard")


def check(root: Path, *words: str) -> Completed:
    program()
    return run([MODELYARD, "check", "--format", "text", *words], cwd=root, timeout=120, env={"NO_COLOR": "1"})


def test_a_new_repository_has_no_findings(two_environments: Path) -> None:
    """Everything that a repository starts with passes; prod follows a tag that is not there yet, so dev is checked."""
    done = check(two_environments, "--env", "dev")
    assert done.returncode == 0, done.stdout.decode()
    assert b"no findings" in done.stdout
    assert b"3 models" in done.stdout


def test_the_policy_that_is_shown_finds_what_it_says(repository: Path) -> None:
    values = repository / "environments/dev/versions/kustomization.yaml"
    text = values.read_text()
    values.write_text(text.replace("newTag:", "newName: docker.example.com/vllm\n    newTag:", 1))
    done = check(repository, "--env", "dev")
    said = done.stdout.decode()
    assert "team/untrusted-image" in said
    assert "docker.example.com/vllm" in said


def test_the_policy_that_is_shown_trusts_what_bases_bring(two_environments: Path) -> None:
    found = runpy.run_path(str(two_environments / "policies/untrusted_image.py"))["TRUSTED"]
    texts = [path.read_text() for path in (two_environments / "bases").rglob("*.yaml") if path.name != "values.yaml"]
    versions = two_environments / "environments/dev/versions/kustomization.yaml"
    renamed = {
        each["name"]: each.get("newName", each["name"]) for each in yaml.safe_load(versions.read_text())["images"]
    }
    images = {image for text in texts for image in re.findall(r"^ *-? *image: ([^\s\"{]+)", text, re.MULTILINE)}
    assert len(images) > 10
    assert not [each for each in images if not f"{renamed.get(each, each)}".startswith(found)]


def test_pytest_runs_the_checks_of_the_repository(two_environments: Path) -> None:
    program()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only"]
    collected = run(command, cwd=two_environments, timeout=120, env={"PYTHONDONTWRITEBYTECODE": "1"})
    said = collected.stdout.decode()
    assert collected.returncode == 0, said
    for item in ("dev/qwen3-1-7b", "prod/karpenter", "team/untrusted-image", "modelyard.yaml"):
        assert f"::{item}" in said
