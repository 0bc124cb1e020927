"""Git repositories to compare."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.diffing import Comparison, DiffOptions, EnvironmentChange, compare

AUTHOR = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def git(folder: Path, *words: str) -> str:
    """Run git in a folder and return what it says."""
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *words],  # noqa: S607 - the git of this machine
        cwd=folder,
        env={**os.environ, **AUTHOR},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


class Changed:
    """A GitOps repository in Git that a test changes and compares."""

    def __init__(self, root: Path) -> None:
        self.root = root
        git(root, "init", "-q", "-b", "main")
        self.commit("base")

    def commit(self, tag: str) -> str:
        """Commit everything, tag it and return the commit."""
        git(self.root, "add", "-A", "--force")
        git(self.root, "commit", "-q", "--allow-empty", "-m", tag)
        git(self.root, "tag", "--force", tag)
        return git(self.root, "rev-parse", "HEAD")

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace a text of a file, which has to hold it."""
        text = (self.root / path).read_text()
        assert old in text, f"{path} does not hold {old!r}"
        (self.root / path).write_text(text.replace(old, new))

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def compare(self, sides: str = "base", **options: object) -> Comparison:
        """Compare two sides; the base with the working tree where nothing else is said."""
        return compare(self.root, sides, DiffOptions(**options), lambda *_: None)  # type: ignore[arg-type]

    def dev(self, sides: str = "base", **options: object) -> EnvironmentChange:
        """Return what changes in the environment dev, the only one that is reached."""
        (change,) = self.compare(sides, **options).environments
        assert change.name == "dev"
        return change


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep renderings for these tests alone, and share them among these tests."""
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "diffing-cache"))
    yield


@pytest.fixture
def changed(one_model: Path) -> Changed:
    """Return the repository with one model, committed under the tag `base`."""
    return Changed(one_model)


CHAT = "environments/dev/models/chat/kustomization.yaml"
SETTINGS = "overlays/qwen3-1-7b-vllm-gpu/vllm.yaml"
