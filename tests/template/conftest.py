"""A clone of the template at a tag, and repositories rendered from it, each made once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.findings import UserError
from modelyard.scaffolding import new_environment, new_repository
from modelyard.scaffolding.git import author, commit_everything, git

PROJECT = Path(__file__).parents[2]
PARTS = ("copier.yml", "template", "bases", "images", "overlays", "terraform")
REPOSITORY_URL = "https://github.com/acme/my-platform.git"


def publish(template: Path, tag: str) -> None:
    """Commit everything in a template and tag it."""
    commit_everything(template, tag, author(template))
    git(template, "tag", tag)


def copied_template(folder: Path) -> Path:
    """Copy the template as it is in the work tree into a Git repository of its own."""
    folder.mkdir(parents=True)
    for name in PARTS:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(
                source, folder / name, symlinks=True, ignore=shutil.ignore_patterns(".terraform", "__pycache__")
            )
        else:
            shutil.copy2(source, folder / name)
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template at its first release; tests do not change it."""
    folder = copied_template(tmp_path_factory.mktemp("template") / "modelyard")
    publish(folder, "v0.1.0")
    return folder


@pytest.fixture(scope="session")
def two_environments(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository `my-platform` with the environments dev and prod; tests do not change it."""
    return with_two_environments(template, tmp_path_factory.mktemp("repository") / "my-platform")


def with_two_environments(template: Path, root: Path) -> Path:
    """Write a repository with the environments dev and prod, both committed."""
    data = {"repository_url": REPOSITORY_URL, "account_id": "111122223333", "code_owners": "@acme/platform"}
    new_repository(root, template=str(template), ref="v0.1.0", data=data, interactive=False)
    new_environment(root, environment="prod", data={"account_id": "444455556666", "revision": "v1"}, interactive=False)
    commit_everything(root, "Add prod", author(root))
    return root


@pytest.fixture
def repository(two_environments: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of `two_environments` to change."""
    folder = tmp_path / "my-platform"
    shutil.copytree(two_environments, folder, symlinks=True)
    yield folder


def refusal(call: object, *arguments: object, **named: object) -> UserError:
    """Return the refusal that a call ends with."""
    with pytest.raises(UserError) as caught:
        call(*arguments, **named)  # type: ignore[operator]
    return caught.value
