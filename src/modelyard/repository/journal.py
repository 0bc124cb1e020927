"""Several files written as one: after a kill at any moment, the folder holds all of the old or all of the new.

See docs/adr/0181-edits-are-all-or-nothing.md and docs/adr/0300-journals-lie-outside-of-repositories.md.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from modelyard.findings import ExitCode, UserError
from modelyard.tooling.confinement import Unconfined, confined
from modelyard.tooling.directories import state

SCRATCH = ".modelyard-edit-"
"""How the name of a folder begins that holds, at the top of a repository, what is being written."""

_FOREIGN = ".modelyard-edit"
_SCRATCH_NAME = re.compile(rf"{re.escape(SCRATCH)}[0-9a-f]{{16}}")
_STAGED_NAME = re.compile(r"[0-9]+\.new")

Renames = Sequence[tuple[str, str | None]]


class EditUnderWay(UserError):
    """Another process is editing the same repository."""


@dataclass(frozen=True, slots=True)
class _Record:
    """What is being done to a folder, as a file outside of it says."""

    file: Path
    root: Path

    @property
    def draft(self) -> Path:
        return self.file.with_suffix(".draft")

    def read(self) -> tuple[Path, int, Renames | None] | None:
        """Return the scratch folder, its inode and the renames; None where nothing is under way."""
        try:
            content: Any = orjson.loads(self.file.read_bytes())
            name, inode, renames = content["scratch"], content["inode"], content["renames"]
            if content["root"] != str(self.root) or not _SCRATCH_NAME.fullmatch(name) or not isinstance(inode, int):
                return None
            if renames is None:
                return confined(self.root, name), inode, None
            entries = [(path, new) for path, new in renames]
            if not all(new is None or _STAGED_NAME.fullmatch(new) for _, new in entries):
                return None
            return confined(self.root, name), inode, entries
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise _unwritable(problem, self.file) from None
        except (ValueError, KeyError, TypeError, Unconfined):
            return None

    def write(self, scratch: Path, inode: int = 0, renames: Renames | None = None) -> None:
        content = {"root": str(self.root), "scratch": scratch.name, "inode": inode, "renames": renames}
        _write(self.draft, orjson.dumps(content), 0o600)
        self.draft.replace(self.file)
        _sync(self.file.parent)

    def remove(self) -> None:
        self.draft.unlink(missing_ok=True)
        self.file.unlink(missing_ok=True)


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
        UserError: Another edit is under way, a file changed since, a path leads out of the repository, or the disk is
            full or not to be written to; then nothing was changed.
    """
    if not contents:
        return
    with _locked(root) as record:
        _finish(record)
        for path, expected in before.items():
            if _content(confined(record.root, path)) != expected:
                raise UserError(
                    f"{path} changed while the edit was planned",
                    fix="run the command again",
                    exit_code=ExitCode.FINDINGS,
                )
        try:
            scratch = _made(record)
            entries = _staged(record, scratch, contents)
        except OSError as problem:
            _clear(record)
            raise _unwritable(problem) from None
        except UserError:
            _clear(record)
            raise
        _apart(record, scratch, entries)


def write_file(root: Path, path: str, text: str) -> None:
    """Write one file of a repository, as `write_together` does.

    Raises:
        UserError: As there.
    """
    write_together(root, {path: text.encode()}, {})


@contextlib.contextmanager
def scratch_folder(root: Path, destination: Path | None = None) -> Iterator[Path]:
    """Make a folder at the top of another, on the same disk, which goes when the block ends or with the next command.

    Args:
        root: A repository, or the folder that one is to be written into.
        destination: The repository to be written, whose next attempt clears what a kill leaves of this one.

    Raises:
        UserError: Another edit is under way, the folder cannot be made, or the disk is full.
    """
    with _locked(root, destination) as record:
        _finish(record)
        try:
            yield _made(record)
        except OSError as problem:
            raise UserError(
                f"{destination or root} cannot be written: {problem.strerror or problem}",
                fix="choose a folder that you may write to, or make room",
            ) from None
        finally:
            _clear(record)


def finish_interrupted(root: Path) -> bool:
    """Complete or take back an edit that was cut short, and return whether there was one.

    Raises:
        UserError: The edit is still under way, the rest of it cannot be written, or the folder brings such an edit.
    """
    if os.path.lexists(root / _FOREIGN):
        raise UserError(
            f"{_FOREIGN} came with the files here, or an older version of modelyard left it; neither is believed",
            fix=f"see by `git status` that no edit is half-done, and remove {_FOREIGN}",
        )
    try:
        record = _record(root)
    except UserError:
        return False  # no edit is written there, so that none was cut short
    if not record.file.exists() and not record.draft.exists():
        return False
    try:
        with _locked(root) as held:
            return _finish(held)
    except EditUnderWay:
        under_way = record.read()
        if under_way is not None and under_way[2] is not None:
            raise
        return False  # nothing of the other edit is to be seen yet


def _record(root: Path, destination: Path | None = None) -> _Record:
    """Return where the state of a folder's edits lies: where nothing that the folder brings can lie.

    Raises:
        UserError: The place for it is in the folder itself.
    """
    real = root.resolve()
    folder = state() / "edits"
    if destination is None and folder.resolve().is_relative_to(real):
        raise UserError(
            f"{folder} lies in {root}, which could bring edits of its own",
            fix="name a folder outside of the repository with MODELYARD_STATE_DIR",
        )
    name = hashlib.sha256(os.fsencode(destination.resolve() if destination else real)).hexdigest()[:32]
    return _Record(folder / f"{name}.json", real)


@contextlib.contextmanager
def _locked(root: Path, destination: Path | None = None) -> Iterator[_Record]:
    """Hold a folder's edits; the kernel frees them when the last process that has the lock open ends."""
    record = _record(root, destination)
    lock = record.file.with_suffix(".lock")
    while True:
        try:
            lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise _unwritable(problem, lock.parent) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise EditUnderWay(
                "another edit of this repository is under way", fix="run the command again when it has ended"
            ) from None
        with contextlib.suppress(FileNotFoundError):  # another edit ended between the two calls
            if os.stat(lock).st_ino == os.fstat(descriptor).st_ino:  # noqa: PTH116 - beside fstat
                break
        os.close(descriptor)
    try:
        yield record
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _made(record: _Record) -> Path:
    """Make the folder for what is staged, after the record that whoever comes next finds it by."""
    scratch = record.root / f"{SCRATCH}{secrets.token_hex(8)}"
    record.write(scratch)
    scratch.mkdir(mode=0o700)
    return scratch


def _staged(record: _Record, scratch: Path, contents: Mapping[str, bytes | None]) -> Renames:
    """Write the new contents beside the repository's files, and the list of renames last."""
    entries: list[tuple[str, str | None]] = []
    for number, (path, content) in enumerate(contents.items()):
        target = confined(record.root, path)
        _require_writable(target)
        if content is None:
            entries.append((path, None))
            continue
        new = scratch / f"{number}.new"
        _write(new, content, target.stat().st_mode & 0o777 if target.exists() else 0o644)
        entries.append((path, new.name))
    _sync(scratch)
    record.write(scratch, scratch.stat().st_ino, entries)
    return entries


def _require_writable(target: Path) -> None:
    """Refuse a path that no rename could reach, before anything is renamed."""
    above = target.parent
    while not above.exists():
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise PermissionError(13, f"{above} is not a folder that may be written to")


def _apart(record: _Record, scratch: Path, entries: Renames) -> None:
    """Make the renames in a process that a kill of this one does not end, and wait for it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setsid()
            _rename(record, scratch, entries)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if status != 0:
        _rename(record, scratch, entries)


def _rename(record: _Record, scratch: Path, entries: Renames) -> None:
    """Make the renames that are not made yet; a second time changes nothing."""
    touched = set()
    for path, new in entries:
        target = confined(record.root, path)
        if new is None:
            target.unlink(missing_ok=True)
            _prune(record.root, target.parent)
        elif (scratch / new).exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            (scratch / new).replace(target)
        touched.add(target.parent)
    for folder in touched:
        if folder.is_dir():
            _sync(folder)
    with contextlib.suppress(OSError):
        record.write(scratch)  # a file that somebody makes anew from here on is not removed again
    _clear(record)


def _prune(root: Path, folder: Path) -> None:
    """Remove folders that a removed file left empty, up to the repository's top."""
    while folder != root and folder.is_dir():
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _finish(record: _Record) -> bool:
    """Make the renames that are missing, or clear what was staged, and return whether there was either."""
    under_way = record.read()
    if under_way is None:
        record.remove()
        return False
    scratch, inode, entries = under_way
    # A folder that was cloned anew to the same place has nothing to do with an edit of the one before.
    if entries is not None and _inode(scratch) == inode:
        try:
            _rename(record, scratch, entries)
        except OSError as problem:
            raise UserError(
                f"the rest of an edit that was cut short cannot be written: {problem.strerror}",
                fix=f"make {problem.filename or 'the folder'} writable; {scratch.name} has what is to be written",
            ) from None
    _clear(record)
    return True


def _clear(record: _Record) -> None:
    """Remove what is staged, and last of all the record of it."""
    under_way = record.read()
    if under_way is not None and _inode(under_way[0]):
        shutil.rmtree(under_way[0], ignore_errors=True)
        if _inode(under_way[0]):
            return  # the next command tries again
    record.remove()


def _inode(folder: Path) -> int:
    """Return the inode of a folder; 0 where there is none, or a link."""
    return folder.lstat().st_ino if folder.is_dir() and not folder.is_symlink() else 0


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
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


def _unwritable(problem: OSError, place: Path | None = None) -> UserError:
    where = f" in {place}, which MODELYARD_STATE_DIR moves" if place is not None else ""
    return UserError(
        f"the edit cannot be written: {problem.strerror or problem}; nothing was changed",
        fix=f"make room, or make the folder writable{where}",
    )
