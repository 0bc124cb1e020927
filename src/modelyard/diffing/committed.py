"""The files of a commit, read from Git's objects; only what other programs read is written to disk."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from modelyard.diffing.history import Entry, History, Side
from modelyard.diffing.impact import Impact
from modelyard.findings import At, Place, UserError
from modelyard.repository import ENVIRONMENTS, SETTINGS, EnvironmentFolder, Files, Repository, UnreadableFile
from modelyard.repository.limits import MAX_FILE_BYTES

_SUBMODULE = "160000"
_UNSAFE_PARTS = frozenset({"", ".", "..", ".git"})
_MOST_LINKS = 40  # as many as Linux follows


class CommittedFiles(Files):
    """The files of one commit.

    What `.gitattributes` says of archives and line ends is left aside: Argo CD reads the files as they are stored.

    Args:
        root: An empty folder, for what is put on disk.
        history: The Git repository.
        side: The commit's side.
    """

    def __init__(self, root: Path, history: History, side: Side) -> None:
        super().__init__(root)
        self._history, self._side = history, side
        self._links = dict(history.links(side))
        self._followed: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._written: set[str] = set()
        self._made: set[Path] = set()

    def is_file(self, path: str) -> bool:
        """Return whether `path` is a file, links followed."""
        return self._entry(path) is not None

    def is_folder(self, path: str) -> bool:
        """Return whether `path` is a folder, links followed."""
        try:
            return self._place(path) in self._side.children
        except UnreadableFile:
            return False

    def require_inside(self, path: str) -> None:
        """Refuse a path that leads out of the repository.

        Raises:
            UnreadableFile: A link on the way leads out of it, or links lead to each other.
        """
        self._place(path)

    def real(self, path: str) -> Path:
        """Return where a file or folder is on disk; a file is put there.

        Raises:
            UnreadableFile: A link on the way leads out of the repository.
        """
        place = self._place(path)
        self._write([path] if place in self._side.files else [])
        return super().real(place)

    def put_on_disk(self, paths: Iterable[str]) -> None:
        """Write files, and folders with everything in them, below `root`, where other programs find them.

        Raises:
            UserError: A path of the commit is none that a checkout could have, or an object is missing.
        """
        self._write(file for path in paths for file in self._whole(path))

    def fetch(self, paths: Iterable[str]) -> None:
        """Read files that will be asked for, all at once.

        Raises:
            UserError: An object is missing.
        """
        entries = (self._side.files.get(path) for path in paths)
        self._history.fetch(entry.blob for entry in entries if entry and entry.blob and entry.mode != _SUBMODULE)

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            UnreadableFile: The file is missing, larger than 20 MiB, or outside the repository.
            UserError: Its object is missing in this clone.
        """
        known = self._bytes.get(path)
        if known is not None:
            return known
        self._place(path)
        entry = self._entry(path)
        if entry is None:
            raise UnreadableFile(f"{path} cannot be read: no such file or directory", at=At(Place(path)))
        content = self._history.content(entry.blob)
        if len(content) > MAX_FILE_BYTES:
            raise UnreadableFile(
                f"{path} has {len(content) / 2**20:.0f} MiB, more than the {MAX_FILE_BYTES // 2**20} MiB that are read",
                fix="keep large data out of the repository",
                at=At(Place(path)),
            )
        self._bytes[path] = content
        return content

    def under(self, path: str) -> list[str]:
        """Return the names in a folder, sorted; an empty list where there is no such folder."""
        return sorted(self._side.children.get(self._place(path), ()))

    def below(self, endings: Sequence[str]) -> list[str]:
        """Return the files of the whole commit with one of these endings, sorted; hidden folders are left out."""
        return sorted(
            path
            for path in self._side.files
            if path.rpartition(".")[2] in endings and not any(part.startswith(".") for part in path.split("/")[:-1])
        )

    def _entry(self, path: str) -> Entry | None:
        try:
            entry = self._side.files.get(self._place(path))
        except UnreadableFile:
            return None
        return entry if entry is not None and entry.mode != _SUBMODULE else None

    def _place(self, path: str) -> str:
        return self._follow(path)[0]

    def _follow(self, path: str) -> tuple[str, tuple[str, ...]]:
        """Return where a path leads, as a path without links, and the links on the way."""
        if path in self._side.files and path not in self._links:
            return path, ()
        known = self._followed.get(path)
        if known is None:
            known = self._followed[path] = self._walked(path) if self._links else (_plain(path), ())
            if known[0].startswith(".."):
                raise _outside(path)
        return known

    def _walked(self, path: str) -> tuple[str, tuple[str, ...]]:
        done: list[str] = []
        passed: list[str] = []
        left = path.split("/")[::-1]
        while left:
            part = left.pop()
            if part == "..":
                if not done:
                    raise _outside(path)
                done.pop()
            elif part not in ("", "."):
                done.append(part)
                at = "/".join(done)
                if at not in self._links:
                    continue
                if len(passed) == _MOST_LINKS:
                    raise UnreadableFile(
                        f"{path} goes through links that lead to each other",
                        fix="remove one of them",
                        at=At(Place(path)),
                    )
                if self._links[at].startswith("/"):
                    raise _outside(path)
                passed.append(at)
                done.pop()
                left += self._links[at].split("/")[::-1]
        return "/".join(done), tuple(passed)

    def _whole(self, path: str) -> Iterator[str]:
        place = self._place(path)
        if place in self._side.files:
            yield path
        for name in self._side.children.get(place, ()):
            yield from self._whole(f"{path}/{name}" if path else name)

    def _write(self, paths: Iterable[str]) -> None:
        wanted = {each for path in paths for place, links in (self._follow(path),) for each in (place, *links)}
        wanted -= self._written
        self._written |= wanted
        self.fetch(wanted)
        links = []
        for path in wanted:
            entry = self._side.files[path]
            if entry.mode == _SUBMODULE:
                continue
            if not _UNSAFE_PARTS.isdisjoint(path.lower().split("/")):
                raise UserError(f"{self._side.name} holds a file at {path!r}, which no checkout may have")
            target = self.root / path
            if target.parent not in self._made:
                target.parent.mkdir(parents=True, exist_ok=True)
                # A link may stand above it only where a file system does not tell names apart that Git does.
                if not target.parent.resolve().is_relative_to(self.root):
                    raise UserError(f"{self._side.name} holds {path!r} below a link that leads out of it")
                self._made.add(target.parent)
            if entry.is_link:
                links.append((target, self._links[path]))
            else:
                target.write_bytes(self._history.content(entry.blob))
        for target, to in links:  # last, so that nothing is written through one
            target.symlink_to(to)


class CommittedRepository(Repository):
    """A commit of a GitOps repository.

    Args:
        history: The Git repository.
        side: The commit's side.
        reached: What names what in it.
        folder: An empty folder, for what is put on disk.
        names: Environments that are read; others are not looked at.
    """

    def __init__(self, history: History, side: Side, reached: Impact, folder: Path, names: frozenset[str]) -> None:
        root = folder / history.prefix
        root.mkdir(parents=True)
        # Applications that are pinned to a tag or commit are read through this link.
        (folder / ".git").write_text(f"gitdir: {history.folder}\n")
        self._history = history
        self._committed = CommittedFiles(root, history, side)
        super().__init__(root, self._committed)
        self._side, self._reached = side, reached
        self._names = names
        self.need(f"{ENVIRONMENTS}/{name}{part}" for name in names for part in ("", "/bootstrap"))

    @cached_property
    def environments(self) -> dict[str, EnvironmentFolder]:
        """Return the environments that are read by name, in order of name."""
        return {
            name: EnvironmentFolder(name, f"{ENVIRONMENTS}/{name}", self._facts(f"{ENVIRONMENTS}/{name}"), self.files)
            for name in sorted(self._names)
        }

    @property
    def crds(self) -> tuple[str, ...]:
        """Return the files, folders and URLs with definitions of the user's own that the settings name."""
        return super().crds if self._sets("crds") else ()

    @property
    def engine_versions(self) -> Mapping[str, str]:
        """Return the engine versions by image that the settings name."""
        return super().engine_versions if self._sets("engine-versions", "engine_versions") else {}

    def _sets(self, *names: str) -> bool:
        """Return whether the settings may hold one of these fields.

        A preview needs no others, and loading what checks the file takes longer than most of what a preview does; a
        check refuses the file.
        """
        content = self.files.documents(SETTINGS) if self.files.is_file(SETTINGS) else []
        return any(not isinstance(each, dict) or not each.keys().isdisjoint(names) for each in content)

    def commit(self, name: str) -> str:
        """Return the commit that a name stands for in the Git repository; empty where there is none."""
        return self._history.named(name)

    def need(self, paths: Iterable[str]) -> None:
        """Read files, and what the kustomizations of folders name, all at once, since they will be asked for."""
        self._committed.fetch(self._reached.closure(paths))

    def put_all_on_disk(self) -> None:
        """Write everything that the environments may read, for a check of its own."""
        borrowed = self._reached.borrowed(self._names)
        self.files.put_on_disk(path for path in self._side.files if _environment(path) in (None, *borrowed))


def _plain(path: str) -> str:
    plain = posixpath.normpath(path) if path else ""
    return "" if plain == "." else plain


def _outside(path: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path} leads out of the repository",
        fix="copy what it names into the repository; links may not leave it",
        at=At(Place(path)),
    )


def _environment(path: str) -> str | None:
    return path.split("/")[1] if path.startswith(f"{ENVIRONMENTS}/") else None
