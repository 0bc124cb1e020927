"""Several files written as one: after a kill at any moment, the folder holds all of the old or all of the new.

See docs/adr/0181-edits-are-all-or-nothing.md.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from modelyard.findings import ExitCode, Refusal

FOLDER = ".modelyard-edit"
"""Folder at the top of a repository while an edit is written; what a kill leaves of it, the next command clears."""

_JOURNAL = "journal.json"
_LOCK = "lock"


def write_together(root: Path, contents: Mapping[str, bytes | None], before: Mapping[str, bytes | None]) -> None:
    """Write and remove files so that no kill leaves a part of the changes behind.

    The new contents are staged and synced first. The list of renames is the point of no return: a kill before it
    leaves the old files, and after it whoever comes next makes the rest of the renames. They are made by a process in a
    session of its own, which a kill of this one or an interrupt from the terminal does not reach.

    Args:
        root: The repository.
        contents: New content by path relative to `root`; None removes a file.
        before: What each of these files was when the edit was planned; None where there was none.

    Raises:
        Refusal: Another edit is under way, a file changed since, or the disk is full or not to be written to; then
            nothing was changed.
    """
    if not contents:
        return
    with _locked(root) as folder:
        _finish(root, folder)
        for path, expected in before.items():
            if _content(root / path) != expected:
                raise Refusal(
                    f"{path} changed while the edit was planned",
                    fix="run the command again",
                    exit_code=ExitCode.FINDINGS,
                )
        try:
            entries = _staged(root, folder, contents)
        except OSError as problem:
            _clear(folder)
            raise _unwritable(problem) from None
        _apart(root, folder, entries)


def finish_interrupted(root: Path) -> bool:
    """Complete or take back an edit that was cut short, and return whether there was one.

    Raises:
        Refusal: The edit is still under way, or the rest of it cannot be written.
    """
    if not (root / FOLDER).is_dir():
        return False
    with _locked(root) as folder:
        _finish(root, folder)
        shutil.rmtree(folder, ignore_errors=True)
    return True


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[Path]:
    """Hold the edit's folder; the kernel frees it when the last process that has it open ends."""
    folder = root / FOLDER
    while True:
        try:
            folder.mkdir(exist_ok=True)
            descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue  # another edit ended between the two calls
        except OSError as problem:
            raise _unwritable(problem) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise Refusal(
                "another edit of this repository is under way", fix="run the command again when it has ended"
            ) from None
        with contextlib.suppress(FileNotFoundError):
            if os.stat(folder / _LOCK).st_ino == os.fstat(descriptor).st_ino:  # noqa: PTH116 - beside fstat
                break
        os.close(descriptor)
    try:
        yield folder
    finally:
        if not (folder / _JOURNAL).exists():
            shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _staged(root: Path, folder: Path, contents: Mapping[str, bytes | None]) -> list[tuple[str, str | None]]:
    """Write the new contents beside the repository's files, and the list of renames last."""
    entries: list[tuple[str, str | None]] = []
    for number, (path, content) in enumerate(contents.items()):
        if content is None:
            entries.append((path, None))
            continue
        new = folder / f"{number}.new"
        _write(new, content, (root / path).stat().st_mode & 0o777 if (root / path).exists() else 0o644)
        entries.append((path, new.name))
        _require_writable(root, path)
    draft = folder / "journal.draft"
    _write(draft, json.dumps(entries).encode(), 0o600)
    draft.replace(folder / _JOURNAL)
    _sync(folder)
    return entries


def _require_writable(root: Path, path: str) -> None:
    """Refuse a path that no rename could reach, before anything is renamed."""
    above = (root / path).parent
    while not above.exists():
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise PermissionError(13, f"{above} is not a folder that may be written to")


def _apart(root: Path, folder: Path, entries: list[tuple[str, str | None]]) -> None:
    """Make the renames in a process that a kill of this one does not end, and wait for it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setsid()
            _rename(root, folder, entries)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if status != 0:
        _rename(root, folder, entries)


def _rename(root: Path, folder: Path, entries: list[tuple[str, str | None]]) -> None:
    """Make the renames that are not made yet; a second time changes nothing."""
    touched = set()
    for path, new in entries:
        target = root / path
        if new is None:
            target.unlink(missing_ok=True)
            _prune(root, target.parent)
        elif (folder / new).exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            (folder / new).replace(target)
        touched.add(target.parent)
    for each in touched:
        if each.is_dir():
            _sync(each)
    _clear(folder)


def _prune(root: Path, folder: Path) -> None:
    """Remove folders that a removed file left empty, up to the repository's top."""
    while folder != root and folder.is_dir():
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _finish(root: Path, folder: Path) -> None:
    journal = folder / _JOURNAL
    if not journal.exists():
        _clear(folder)
        return
    entries = [(str(path), new) for path, new in json.loads(journal.read_bytes())]
    try:
        _rename(root, folder, entries)
    except OSError as problem:
        raise Refusal(
            f"the rest of an edit that was cut short cannot be written: {problem.strerror}",
            fix=f"make {problem.filename or 'the folder'} writable; {FOLDER} has what is to be written",
        ) from None


def _clear(folder: Path) -> None:
    """Forget what is staged; the list of renames goes first."""
    (folder / _JOURNAL).unlink(missing_ok=True)
    for each in folder.iterdir():
        if each.name != _LOCK:
            each.unlink()


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _unwritable(problem: OSError) -> Refusal:
    return Refusal(
        f"the edit cannot be written: {problem.strerror or problem}; nothing was changed",
        fix="make room, or make the repository's folder writable",
    )
