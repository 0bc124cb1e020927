"""What a reader asked of a repository's files, and what the answers were: its inputs, found by watching it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from modelyard.findings import UserError
from modelyard.repository.files import Files

Question = tuple[str, str]
"""What was asked, one of `read`, `kind`, `real`, `under` and `below`, and of which path or endings."""


class RecordedFiles(Files):
    """Files that write down what is asked of them; other files answer, so that nothing is read or parsed twice.

    What is derived of them is theirs alone: a value that another reader has worked out already would hide what it was
    made of.

    Args:
        shared: The files that answer.

    Attributes:
        asked: Each question once.
    """

    def __init__(self, shared: Files) -> None:
        self.root = shared.root
        self.asked: set[Question] = set()
        self._shared = shared

    def is_file(self, path: str) -> bool:
        """Return whether `path` is a file, links followed."""
        self.asked.add(("kind", path))
        return self._shared.is_file(path)

    def is_folder(self, path: str) -> bool:
        """Return whether `path` is a folder, links followed."""
        self.asked.add(("kind", path))
        return self._shared.is_folder(path)

    def real(self, path: str) -> Path:
        """Return the resolved path of a file or folder that lies inside the repository.

        Raises:
            UnreadableFile: A link on the way leads out of the repository.
        """
        self.asked.add(("real", path))
        return self._shared.real(path)

    def put_on_disk(self, paths: Iterable[str]) -> None:
        """See to it that other programs find files below `root`."""
        self._shared.put_on_disk(paths)

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            UnreadableFile: As for other files.
        """
        self.asked.add(("read", path))
        return self._shared.read(path)

    def documents(self, path: str) -> list[Any]:
        """Return the plain values of a YAML file's documents.

        Raises:
            UnreadableFile: As for other files.
            MalformedYAML: The file is not YAML.
        """
        self.asked.add(("read", path))
        return self._shared.documents(path)

    def digest(self, path: str) -> str:
        """Return the SHA-256 of a file's content in hexadecimal."""
        self.asked.add(("read", path))
        return self._shared.digest(path)

    def under(self, path: str) -> list[str]:
        """Return the names in a folder, sorted; an empty list where there is no such folder."""
        self.asked.add(("under", path))
        return self._shared.under(path)

    def below(self, endings: Sequence[str]) -> list[str]:
        """Return the files of the whole repository with one of these endings, sorted; hidden folders are left out."""
        self.asked.add(("below", " ".join(endings)))
        return self._shared.below(endings)


class Answers:
    """What files answer to questions; each question is put once.

    Args:
        files: The files.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._known: dict[Question, str] = {}

    def digest(self, questions: Iterable[Question]) -> str:
        """Return a digest of questions, in their order, with what is answered to each."""
        total = hashlib.sha256()
        for question in questions:
            known = self._known.get(question)
            if known is None:
                known = self._known[question] = self._answer(*question)
            total.update(f"{question[0]}\0{question[1]}\0{known}\n".encode("utf-8", "surrogateescape"))
        return total.hexdigest()

    def _answer(self, what: str, of: str) -> str:
        files = self._files
        try:
            if what == "read":
                return files.digest(of)
            if what == "kind":
                return f"{files.is_file(of)} {files.is_folder(of)} {(files.root / of).is_symlink()}"
            if what == "real":
                return str(files.real(of).relative_to(files.root))
            listed = files.under(of) if what == "under" else files.below(of.split(" "))
        except (UserError, OSError, ValueError) as fault:
            return f"! {fault}"
        return hashlib.sha256("\0".join(listed).encode("utf-8", "surrogateescape")).hexdigest()
