"""Rendering an Application at the revision that it is pinned to."""

from __future__ import annotations

import contextlib
import re
import shutil
import tarfile
import tempfile
from pathlib import Path

from modelyard.repository import Repository
from modelyard.tooling import find
from modelyard.tooling.git import git
from modelyard.tooling.words import NotAName, revision_name

_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_WHOLE_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_WORKING_TREE = frozenset({"", "HEAD"})


class _Unpacked(Repository):
    """A repository in a temporary folder, which lasts as long as somebody holds the repository."""

    def __init__(self, root: Path, folder: tempfile.TemporaryDirectory[str]) -> None:
        super().__init__(root)
        self.folder = folder


class Revisions:
    """The repository at other commits than the working tree, each unpacked once into a folder of its own.

    A branch stands for the working tree: what a pull request changes is what the branch will be. A tag or a commit
    stands for itself.

    Args:
        repository: The working tree.
        shared: Revisions of the same clone, whose commits are used; None to look for them.

    Attributes:
        asked: What each name stood for that was asked for, as `resolved` tells it.
    """

    def __init__(self, repository: Repository, shared: Revisions | None = None) -> None:
        self.repository = repository
        self.asked: dict[str, str] = {}
        self._shared = shared
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._known: dict[str, Repository | str] = {}
        self._resolved: dict[str, str] = {}

    def at(self, revision: str) -> Repository | str:
        """Return the repository at a revision; a text says why it cannot be had."""
        if revision in _WORKING_TREE:
            return self.repository
        self.asked[revision] = self.resolved(revision)
        if self._shared is not None:
            found = self._shared.at(revision)
            return self.repository if found is self._shared.repository else found
        if revision not in self._known:
            self._known[revision] = self._unpacked(revision)
        return self._known[revision]

    def resolved(self, revision: str) -> str:
        """Return the commit that a name stands for, empty for the working tree, or why it cannot be had."""
        if self._shared is not None:
            return self._shared.resolved(revision)
        if revision not in self._resolved:
            self._resolved[revision] = self._resolve(revision)
        return self._resolved[revision]

    def _resolve(self, revision: str) -> str:
        try:
            revision_name(revision)
        except NotAName:
            return f"revision {revision!r} is no name that Git gives to a commit"
        pinned = _COMMIT.fullmatch(revision) is not None
        if find("git") is None or not (self.repository.root / ".git").exists():
            return f"revision {revision} cannot be read: this is not a Git checkout" if pinned else ""
        if not pinned and not self.repository.commit(f"refs/tags/{revision}"):
            return ""
        return self.repository.commit(revision) or f"revision {revision} is not in this clone"

    def _unpacked(self, revision: str) -> Repository | str:
        commit = self.resolved(revision)
        if not commit:
            return self.repository
        if _WHOLE_COMMIT.fullmatch(commit) is None:
            return commit
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="modelyard-revisions-")
        folder = Path(self._folder.name) / commit
        archive = folder.with_suffix(".tar")
        try:
            return self._written(commit, revision, folder, archive)
        except tarfile.FilterError as fault:
            return f"revision {revision} cannot be read: {fault.tarinfo.name} leads out of the repository"
        except (OSError, tarfile.TarError, shutil.ReadError) as fault:
            return f"revision {revision} cannot be read: {getattr(fault, 'strerror', None) or fault}"
        finally:
            with contextlib.suppress(OSError):
                archive.unlink(missing_ok=True)

    def _written(self, commit: str, revision: str, folder: Path, archive: Path) -> Repository | str:
        folder.mkdir()
        done = git(self.repository.root, "archive", "--format=tar", f"--output={archive}", commit)
        if done.returncode:
            return f"revision {revision} cannot be read: {done.stderr.strip()}"
        shutil.unpack_archive(archive, folder, filter="data")
        assert self._folder is not None  # noqa: S101 - made by the caller
        return _Unpacked(folder, self._folder)
