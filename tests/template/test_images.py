"""Dockerfiles of images/, as the workflow that builds them expects them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from modelyard.tooling import run

PROJECT = Path(__file__).parents[2]
IMAGES = sorted(path.parent for path in (PROJECT / "images").glob("*/Dockerfile"))
_PINNED = re.compile(r"^[a-zA-Z0-9_.-]+==\S+$")


@pytest.mark.parametrize("folder", IMAGES, ids=lambda path: path.name)
def test_an_image_is_small_has_no_rights_and_no_weights(folder: Path) -> None:
    instructions = re.findall(r"^([A-Z]+)\s+(.*)$", (folder / "Dockerfile").read_text(), re.MULTILINE)
    words = [name for name, _ in instructions]
    assert words.count("FROM") > 1, "what builds it stays out of it"
    last = max(index for index, name in enumerate(words) if name == "FROM")
    users = [value for name, value in instructions[last:] if name == "USER"]
    assert users and re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]), "by number, so that runAsNonRoot can tell"
    assert "ADD" not in words
    assert not [
        value for name, value in instructions if name == "COPY" and re.search(r"weights|\.safetensors|s3:", value)
    ]


@pytest.mark.parametrize("folder", IMAGES, ids=lambda path: path.name)
def test_tags_begin_with_the_version_of_what_runs(folder: Path) -> None:
    wanted = [line for line in (folder / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]
    assert not [line for line in wanted if not _PINNED.match(line)]
    assert f"{folder.name}=={(folder / 'VERSION').read_text().strip()}" in wanted


def linted(file: Path) -> tuple[int | None, str]:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = run([hadolint, "--no-color", "--failure-threshold", "info", file], cwd=PROJECT, timeout=60)
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize("folder", [PROJECT, *IMAGES], ids=["of this project", *(path.name for path in IMAGES)])
def test_hadolint_finds_nothing(folder: Path) -> None:
    assert linted(folder / "Dockerfile") == (0, "")


def test_hadolint_does_find_something(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN cd /tmp && apt-get install curl\n")
    code, told = linted(tmp_path / "Dockerfile")
    assert code == 1
    assert "DL3006" in told
