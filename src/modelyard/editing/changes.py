"""Edits of a repository before they are written: what the files will be, as a diff and as a folder to try them in."""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modelyard.editing.splicing import Text
from modelyard.findings import UserError
from modelyard.repository import Files
from modelyard.repository.journal import SCRATCH, finish_interrupted, write_together
from modelyard.repository.secrets import shown_difference

_BYTES = "surrogateescape"
"""How bytes that are no UTF-8 pass through texts unharmed."""

_LEFT_OUT = shutil.ignore_patterns(".git", ".terraform", ".venv", "node_modules", "__pycache__", f"{SCRATCH}*")


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that an edit changes.

    Attributes:
        path: Relative to the repository.
        before: Its text; None where it is new.
        after: Its text afterwards; None where it is removed.
    """

    path: str
    before: str | None
    after: str | None

    @property
    def kind(self) -> Literal["added", "changed", "removed"]:
        """What happens to the file."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


class Changes:
    """What an edit makes of a repository's files; nothing is written until `apply`.

    Args:
        root: The repository.

    Raises:
        UserError: Another edit is being written.
    """

    def __init__(self, root: Path) -> None:
        finish_interrupted(root)
        self.root = root.resolve()
        self.files = Files(self.root)
        self._staged: dict[str, str | None] = {}

    @property
    def staged(self) -> Mapping[str, str | None]:
        """What files will be, by path; None for those that go."""
        return self._staged

    def exists(self, path: str) -> bool:
        """Return whether a file is there after the edit."""
        return self._staged[path] is not None if path in self._staged else self.files.is_file(path)

    def text(self, path: str) -> str:
        """Return a file's text after the edit, line endings as they are.

        Raises:
            UnreadableFile: It is missing, too large, no text, or outside the repository.
        """
        staged = self._staged.get(path)
        if staged is not None:
            return staged
        if path in self._staged:
            raise UserError(f"{path} is removed by this edit")
        self.files.text(path)  # refuses what is no text
        return self.files.read(path).decode("utf-8")

    def under(self, folder: str) -> list[str]:
        """Return the files below a folder after the edit, relative to the repository, in order of path."""
        found = {path for path, text in self._staged.items() if text is not None and path.startswith(f"{folder}/")}
        top = self.files.real(folder)
        for above, _, names in os.walk(top):
            for name in names:
                path = f"{folder}/{(Path(above) / name).relative_to(top).as_posix()}"
                if path not in self._staged:
                    found.add(path)
        return sorted(found)

    def write(self, path: str, text: str) -> None:
        """Set what a file will be."""
        self.files.real(path)  # refuses a way out of the repository
        self._staged[path] = text

    def edit(self, path: str, *edits: Callable[[Text], None]) -> None:
        """Change one YAML file, comments and layout kept."""
        document = Text(path, self.text(path))
        for each in edits:
            each(document)
        self.write(path, str(document))

    def remove(self, path: str) -> None:
        """Remove a file, or all files of a folder."""
        for each in [path] if self.exists(path) else self.under(path):
            self._staged[each] = None

    def move(self, folder: str, to: str) -> None:
        """Move the files of a folder."""
        for path in self.under(folder):
            staged = self._staged.get(path)
            self.write(to + path.removeprefix(folder), self._as_it_is(path) if staged is None else staged)
            self._staged[path] = None

    def move_file(self, path: str, to: str) -> None:
        """Move one file."""
        self.write(to, self.text(path))
        self._staged[path] = None

    @property
    def files_changed(self) -> tuple[FileChange, ...]:
        """The files that are not afterwards what they were, in order of path."""
        made = []
        for path, after in sorted(self._staged.items()):
            before = self._as_it_is(path) if self.files.is_file(path) else None
            if before != after:
                made.append(FileChange(path, before, after))
        return tuple(made)

    def diff(self) -> str:
        """Return the edit as a unified diff, which `git apply` takes where nothing in it is secret and hidden."""
        return "".join(_file_diff(each) for each in self.files_changed)

    @contextmanager
    def tried(self, environment: str | None = None, *, edited: bool = True) -> Iterator[Path]:
        """Write the repository as it will be into a scratch folder.

        Args:
            environment: Leave out the folders of other environments.
            edited: Whether the edit is in it; without it, the folder is the repository as it is.
        """
        with tempfile.TemporaryDirectory(prefix="modelyard-edit-") as folder:
            scratch = Path(folder) / self.root.name
            scratch.mkdir()
            for entry in sorted(self.root.iterdir()):
                if entry.name in _LEFT_OUT(str(self.root), [entry.name]) or entry.name.startswith(".git"):
                    continue
                if entry.name == "environments" and environment is not None:
                    if (entry / environment).is_dir():
                        _copy(entry / environment, scratch / "environments" / environment)
                else:
                    _copy(entry, scratch / entry.name)
            for path, text in self._staged.items() if edited else ():
                target = scratch / path
                target.unlink(missing_ok=True)
                if text is not None:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(text.encode(errors=_BYTES))
            yield scratch

    def _as_it_is(self, path: str) -> str:
        """Return a file's content, also where it is no text: such files are moved and removed, not edited."""
        return self.files.read(path).decode(errors=_BYTES)

    def apply(self) -> tuple[FileChange, ...]:
        """Write all of it or nothing, and return what was changed.

        Raises:
            UserError: Another edit is under way, a file changed since it was read, or the disk does not take it.
        """
        made = self.files_changed
        contents, before = {}, {}
        for each in made:
            # A file behind a link is written where it lies, and stays behind the link; of one that goes, the link goes.
            above, _, name = each.path.rpartition("/")
            where = self.files.real(each.path) if each.after is not None else self.files.real(above or ".") / name
            real = where.relative_to(self.root).as_posix()
            contents[real] = None if each.after is None else each.after.encode(errors=_BYTES)
            before[real] = None if each.before is None else each.before.encode(errors=_BYTES)
        write_together(self.root, contents, before)
        return made


class StagedFiles(Files):
    """The repository's files as they will be after an edit."""

    def __init__(self, changes: Changes) -> None:
        super().__init__(changes.root)
        self._changes = changes

    def is_file(self, path: str) -> bool:
        """Return whether a file will be there."""
        return self._changes.exists(path)

    def is_folder(self, path: str) -> bool:
        """Return whether a folder with a file in it will be there."""
        staged = self._changes.staged
        if any(text is not None and each.startswith(f"{path}/") for each, text in staged.items()):
            return True
        return super().is_folder(path) and (not staged or bool(self._changes.under(path)))

    def read(self, path: str) -> bytes:
        """Return what a file will hold."""
        return self._changes.text(path).encode()

    def under(self, path: str) -> list[str]:
        """Return the names in a folder, sorted."""
        return sorted({each[len(path) + 1 :].partition("/")[0] for each in self._changes.under(path)})


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True, ignore=_LEFT_OUT, copy_function=_share)
    else:
        _share(source, target)


def _share(source: str | Path, target: str | Path) -> None:
    """Give a file a second name, which costs no disk; whoever changes it in the scratch folder replaces it."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system
        shutil.copy2(source, target, follow_symlinks=False)


def _file_diff(change: FileChange) -> str:
    old = "/dev/null" if change.before is None else f"a/{change.path}"
    new = "/dev/null" if change.after is None else f"b/{change.path}"
    head = f"diff --git a/{change.path} b/{change.path}\n"
    if change.before is None:
        head += "new file mode 100644\n"
    if change.after is None:
        head += "deleted file mode 100644\n"
    lines = difflib.unified_diff(_lines(change.before), _lines(change.after), old, new)
    body = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return head + shown_difference(body, change.before or "", change.after or "")


def _lines(text: str | None) -> list[str]:
    """Return lines as Git sees them, which ends none at the other characters that Unicode breaks lines at."""
    *whole, rest = (text or "").split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])
