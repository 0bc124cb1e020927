"""The template that a wheel of a release carries: one commit without its history, so that `new` needs no network.

See docs/adr/0472-wheels-carry-the-template.md.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from modelyard.scaffolding.git import git
from modelyard.tooling.git import answered_by

_FOLDER = Path(__file__).with_name("template")
_COPIER_CACHE = "COPIER_CACHE_DIR"


@dataclass(frozen=True, slots=True)
class CarriedTemplate:
    """The commit that this package was made from.

    Attributes:
        pack: Git's objects of it.
        commit: Its id.
        tag: Tag of the release; None for a package that was made between releases.
    """

    pack: Path
    commit: str
    tag: str | None

    def is_at(self, ref: str | None) -> bool:
        """Return whether a reference names this commit; one without a tag is recorded abbreviated."""
        return ref is not None and (ref == self.tag or (len(ref) >= 7 and self.commit.startswith(ref)))


def carried_template() -> CarriedTemplate | None:
    """Return what this package carries; None for a checkout, and for a package that Git installed."""
    try:
        told = orjson.loads((_FOLDER / "commit.json").read_bytes())
    except OSError:
        return None
    return CarriedTemplate(_FOLDER / "commit.pack", told["commit"], told["tag"])


@contextlib.contextmanager
def answering(carried: CarriedTemplate, address: str) -> Iterator[None]:
    """Let the carried commit answer for the address of the template, for the length of a block."""
    with tempfile.TemporaryDirectory(prefix="modelyard-template-") as scratch:
        repository = Path(scratch) / "template.git"
        _unpack(carried, repository)
        before = os.environ.get(_COPIER_CACHE)
        # Copier would keep this repository without a history as the mirror of the address.
        os.environ[_COPIER_CACHE] = str(Path(scratch) / "mirrors")
        try:
            with answered_by(address, repository):
                yield
        finally:
            os.environ.pop(_COPIER_CACHE)
            if before is not None:
                os.environ[_COPIER_CACHE] = before


def _unpack(carried: CarriedTemplate, repository: Path) -> None:
    repository.mkdir()
    git(repository, "init", "--quiet", "--bare", "--initial-branch=main")
    (repository / "shallow").write_text(f"{carried.commit}\n")
    git(repository, "index-pack", "--stdin", stdin=carried.pack.read_bytes())
    git(repository, "update-ref", "refs/heads/main", carried.commit)
    if carried.tag is not None:
        git(repository, "update-ref", f"refs/tags/{carried.tag}", carried.commit)
    # Where there is no tag, the questionnaire is fetched by commit.
    git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")
