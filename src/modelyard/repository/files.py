"""Reading a repository's files without leaving it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from modelyard.findings import At, Place, Refusal

MAX_FILE_BYTES = 20 * 1024 * 1024
"""Larger files are refused: no manifest is that long, and reading one would take the check's memory."""


class UnreadableFile(Refusal):
    """A file of the repository cannot be read: missing, too large, not text, or outside."""


class Files:
    """The files below one folder; nothing outside it is ever opened.

    Paths are strings relative to `root` with forward slashes. Contents and digests are kept for the life of the
    object, so that a file is read once per check.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._bytes: dict[str, bytes] = {}
        self._digests: dict[str, str] = {}
        self._real: dict[str, Path] = {}

    def is_file(self, path: str) -> bool:
        """Return whether `path` is a file, links followed."""
        return (self.root / path).is_file()

    def is_folder(self, path: str) -> bool:
        """Return whether `path` is a folder, links followed."""
        return (self.root / path).is_dir()

    def real(self, path: str) -> Path:
        """Return the resolved path of a file or folder that lies inside the repository.

        Raises:
            UnreadableFile: A link on the way leads out of the repository.
        """
        known = self._real.get(path)
        if known is None:
            try:
                known = (self.root / path).resolve()
            except (OSError, RuntimeError) as fault:
                raise UnreadableFile(
                    f"{path} goes through links that lead to each other", fix="remove one of them", at=At(Place(path))
                ) from fault
            if not known.is_relative_to(self.root):
                raise UnreadableFile(
                    f"{path} leads out of the repository",
                    fix="copy what it names into the repository; links may not leave it",
                    at=At(Place(path)),
                )
            self._real[path] = known
        return known

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
        try:
            size = real.stat().st_size
            if size > MAX_FILE_BYTES:
                raise UnreadableFile(
                    f"{path} has {size / 2**20:.0f} MiB, more than the {MAX_FILE_BYTES // 2**20} MiB that are read",
                    fix="keep large data out of the repository",
                    at=At(Place(path)),
                )
            content = real.read_bytes()
        except OSError as fault:
            reason = (fault.strerror or "unreadable").lower()
            raise UnreadableFile(f"{path} cannot be read: {reason}", at=At(Place(path))) from fault
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

    def digest(self, path: str) -> str:
        """Return the SHA-256 of a file's content in hexadecimal."""
        known = self._digests.get(path)
        if known is None:
            known = self._digests[path] = hashlib.sha256(self.read(path)).hexdigest()
        return known

    def under(self, path: str) -> list[str]:
        """Return the names in a folder, sorted; an empty list where there is no such folder."""
        folder = self.root / path
        return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []

    def below(self, endings: Sequence[str]) -> list[str]:
        """Return the files of the whole repository with one of these endings, sorted; hidden folders are left out."""
        found: list[str] = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [each for each in folders if not each.startswith(".")]
            above = Path(folder).relative_to(self.root)
            found.extend((above / each).as_posix() for each in names if each.rpartition(".")[2] in endings)
        return sorted(found)


def joined(folder: str, relative: str) -> str | None:
    """Return `relative` as seen from `folder`, normalised; None when it leaves the root.

    Both are relative to the repository, with forward slashes; `""` is the root itself.
    """
    parts = list(PurePosixPath(folder).parts) if folder else []
    for part in PurePosixPath(relative).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
