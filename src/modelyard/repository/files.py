"""Reading a repository's files without leaving it."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from modelyard.findings import At, Place, UserError
from modelyard.repository.derived import Derivable
from modelyard.repository.limits import UnreadableFile, content_of, is_ordinary
from modelyard.repository.yaml import documents

Kind = Literal["file", "folder", "nothing"]
_UNLISTED = frozenset({"", ".", ".."})
_LARGEST_SHARED = 256 * 1024
"""Bytes of a file whose documents are kept for other objects; so the 4,096 that are kept stay small."""


class Files(Derivable):
    """The files below one folder; nothing outside it is ever opened.

    Paths are strings relative to `root` with forward slashes. What a folder holds, contents and digests are kept for
    the life of the object, so that a file is looked for and read once per check.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._bytes: dict[str, bytes] = {}
        self._digests: dict[str, str] = {}
        self._documents: dict[str, tuple[bytes, list[Any]]] = {}
        self._real: dict[str, Path] = {"": self.root}
        self._listings: dict[str, dict[str, Kind | None] | None] = {}

    def is_file(self, path: str) -> bool:
        """Return whether `path` is a file, links followed."""
        kind = self._kind(path)
        return (self.root / path).is_file() if kind is None else kind == "file"

    def is_folder(self, path: str) -> bool:
        """Return whether `path` is a folder, links followed."""
        kind = self._kind(path)
        return (self.root / path).is_dir() if kind is None else kind == "folder"

    def real(self, path: str) -> Path:
        """Return the resolved path of a file or folder that lies inside the repository.

        Raises:
            UnreadableFile: A link on the way leads out of the repository.
        """
        known = self._real.get(path)
        if known is None:
            known = self._real[path] = self._resolved(path)
        return known

    def _resolved(self, path: str) -> Path:
        if self._kind(path) is not None:  # no link, so that it is where its folder is
            above, _, name = path.rpartition("/")
            with contextlib.suppress(UnreadableFile):
                return self.real(above) / name
        try:
            found = (self.root / path).resolve()
        except (OSError, RuntimeError) as fault:
            raise UnreadableFile(
                f"{path} goes through links that lead to each other", fix="remove one of them", at=At(Place(path))
            ) from fault
        if not found.is_relative_to(self.root):
            raise UnreadableFile(
                f"{path} leads out of the repository",
                fix="copy what it names into the repository; links may not leave it",
                at=At(Place(path)),
            )
        return found

    def _kind(self, path: str) -> Kind | None:
        """Return what a path names as its folder lists it; None where only the path itself can tell."""
        above, _, name = path.rpartition("/")
        if not _UNLISTED.isdisjoint(path.split("/")):
            return None
        listed = self._listing(above)
        return None if listed is None else listed.get(name, "nothing")

    def _listing(self, folder: str) -> dict[str, Kind | None] | None:
        """Return what a folder holds by name, None where it cannot be listed.

        Each folder is read once: to ask for every path takes longer than all else that a small check does with files.
        """
        if folder not in self._listings:
            found: dict[str, Kind | None] | None = {}
            try:
                with os.scandir(self.root / folder) as entries:
                    found = {entry.name: _kind_of(entry) for entry in entries}
            except (FileNotFoundError, NotADirectoryError, ValueError):
                pass
            except OSError:
                found = None
            self._listings[folder] = found
        return self._listings[folder]

    def require_inside(self, path: str) -> None:
        """Refuse a path that leads out of the repository.

        Raises:
            UnreadableFile: A link on the way leads out of it, or links lead to each other.
        """
        self.real(path)

    def put_on_disk(self, paths: Iterable[str]) -> None:
        """See to it that other programs find files below `root`; these are there already."""

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            UnreadableFile: The file is missing, unreadable, larger than 20 MiB, or outside the repository.
        """
        known = self._bytes.get(path)
        if known is not None:
            return known
        real = self.real(path)
        content = content_of(real, path)
        self._bytes[path] = content
        return content

    def text(self, path: str) -> str:
        """Return the content of a UTF-8 file.

        Raises:
            UnreadableFile: As for `read`, and when the file is not UTF-8.
        """
        try:
            return self.read(path).decode("utf-8-sig")
        except UnicodeDecodeError as fault:
            raise UnreadableFile(
                f"{path} is not UTF-8 text (byte {fault.start})", fix="save the file as UTF-8", at=At(Place(path))
            ) from fault

    def documents(self, path: str) -> list[Any]:
        """Return the plain values of a YAML file's documents, parsed once for all who ask; nobody changes them.

        Raises:
            UnreadableFile: As for `text`.
            MalformedYAML: The file is not YAML.
        """
        content = self.read(path)
        known = self._documents.get(path)
        if known is None or known[0] is not content:
            known = self._documents[path] = content, self._parsed(path, content)
        return known[1]

    def _parsed(self, path: str, content: bytes) -> list[Any]:
        if len(content) <= _LARGEST_SHARED:
            with contextlib.suppress(UserError, UnicodeDecodeError):
                return _shared_documents(content)
        return documents(path, self.text(path))  # and names the file where it cannot be read

    def digest(self, path: str) -> str:
        """Return the SHA-256 of a file's content in hexadecimal."""
        known = self._digests.get(path)
        if known is None:
            known = self._digests[path] = hashlib.sha256(self.read(path)).hexdigest()
        return known

    def under(self, path: str) -> list[str]:
        """Return the names in a folder, sorted; an empty list where there is no such folder."""
        listed = self._listing(path)
        if listed is not None:
            return sorted(listed)
        folder = self.root / path
        return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []

    def below(self, endings: Sequence[str]) -> list[str]:
        """Return the files of the whole repository with one of these endings, sorted; hidden folders are left out.

        Pipes, sockets and devices are no files.
        """
        found: list[str] = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [each for each in folders if not each.startswith(".")]
            above = Path(folder).relative_to(self.root)
            found.extend(
                (above / each).as_posix()
                for each in names
                if each.rpartition(".")[2] in endings and is_ordinary(Path(folder, each))
            )
        return sorted(found)


# The two sides of a diff, and the repository of one check and the next, are mostly the same files.
@lru_cache(maxsize=4096)
def _shared_documents(content: bytes) -> list[Any]:
    return documents("", content.decode("utf-8-sig"))


def _kind_of(entry: os.DirEntry[str]) -> Kind | None:
    """Return what an entry of a folder is; None for a link."""
    if entry.is_symlink():
        return None
    return "file" if entry.is_file() else "folder" if entry.is_dir() else "nothing"


def joined(folder: str, relative: str) -> str | None:
    """Return `relative` as seen from `folder`, normalised; None when it leaves the root.

    Both are relative to the repository, with forward slashes; `""` is the root itself.
    """
    parts = _parts(folder)
    for part in _parts(relative):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _parts(path: str) -> list[str]:
    """Return the parts of a path as `PurePosixPath` does, which takes ten times as long."""
    if path.startswith("/"):
        return list(PurePosixPath(path).parts)
    return [each for each in path.split("/") if each not in ("", ".")]


def mapping_in(files: Files, path: str) -> Mapping[str, Any]:
    """Return the mapping that a YAML file's first document is; empty where it is another thing, unread or not there."""
    if not files.is_file(path):
        return {}
    try:
        documents = files.documents(path)
    except UserError:
        return {}
    return documents[0] if documents and isinstance(documents[0], dict) else {}
