"""As much of a commit on disk as a comparison reads."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from modelyard.diffing.history import Entry, History, Side
from modelyard.diffing.reach import Reached
from modelyard.findings import Refusal
from modelyard.repository import ENVIRONMENTS, Repository

_SUBMODULE = "160000"
_UNSAFE_PARTS = frozenset({"", ".", "..", ".git"})
# What is read only where a kustomization, an Application or a rule names it.
_ON_DEMAND = frozenset({"bases", "overlays", "terraform", "tests", "docs", ".github"})


class Unpacked:
    """One side on disk: the working tree where it lies, a commit in a folder that grows with what is asked for.

    What `.gitattributes` says of archives and line ends is left aside: Argo CD reads the files as they are stored.

    Args:
        history: The Git repository.
        side: The side.
        reached: What names what on that side.
        folder: An empty folder for a commit.
        names: Environments that are read.
        whole: Whether everything that the environments may read is wanted, as rules want it.

    Raises:
        Refusal: A path of the commit is none that a checkout could have, or an object is missing.
    """

    def __init__(
        self, history: History, side: Side, reached: Reached, folder: Path, names: set[str], *, whole: bool
    ) -> None:
        self._history, self._side, self._reached = history, side, reached
        self._written: set[str] = set()
        self._folders: set[Path] = set()
        self._root = history.root
        if side.commit:
            self._root = folder / history.prefix
            self._root.mkdir(parents=True)
            # Applications that are pinned to a tag or commit are read through this link.
            (folder / ".git").write_text(f"gitdir: {history.folder}\n")
            borrowed = reached.borrowed(names)
            if whole:
                self._write(path for path in side.files if _environment(path) in (None, *borrowed))
            else:
                roots = reached.closure(f"{ENVIRONMENTS}/{name}{part}" for name in names for part in ("", "/bootstrap"))
                self._write(roots.union(path for path in side.files if _is_read_always(path, borrowed)))
        self.repository = Repository(self._root)

    def need(self, paths: Iterable[str]) -> None:
        """Bring files, and folders with everything that their kustomizations name."""
        if self._side.commit:
            self._write(self._reached.closure(paths) - self._written)

    def _write(self, paths: Iterable[str]) -> None:
        files: dict[str, list[tuple[Path, Entry]]] = {}
        for path in paths:
            entry = self._side.files[path]
            self._written.add(path)
            if entry.mode == _SUBMODULE:
                continue
            if not _UNSAFE_PARTS.isdisjoint(path.lower().split("/")):
                raise Refusal(f"{self._side.name} holds a file at {path!r}, which no checkout may have")
            target = self._root / path
            if target.parent not in self._folders:
                target.parent.mkdir(parents=True, exist_ok=True)
                # A link may stand above it only where a file system does not tell names apart that Git does.
                if not target.parent.resolve().is_relative_to(self._root.resolve()):
                    raise Refusal(f"{self._side.name} holds {path!r} below a link that leads out of it")
                self._folders.add(target.parent)
            files.setdefault(entry.blob, []).append((target, entry))
        links: list[tuple[Path, bytes]] = []
        for blob, content in self._history.contents(files):
            for target, entry in files[blob]:
                if entry.is_link:
                    links.append((target, content))
                else:
                    target.write_bytes(content)
        for target, content in links:  # last, so that nothing is written through one
            target.symlink_to(os.fsdecode(content))


def _environment(path: str) -> str | None:
    return path.split("/")[1] if path.startswith(f"{ENVIRONMENTS}/") else None


def _is_read_always(path: str, environments: set[str]) -> bool:
    """Return whether a file is read without being named: facts of an environment, settings, facts about models."""
    parts = path.split("/")
    if parts[0] == ENVIRONMENTS:
        return len(parts) == 3 and parts[1] in environments
    return parts[0] not in _ON_DEMAND
