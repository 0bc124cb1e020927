"""Where an external program is, and which version it is."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import orjson

from modelyard.findings import UserError
from modelyard.tooling import directories, sources
from modelyard.tooling.files import write_whole
from modelyard.tooling.pins import Pin, pin
from modelyard.tooling.processes import ToolError, ToolMissing, run

_VERSION = re.compile(r"v?(\d+\.\d+(?:\.\d+)?)")
_VERSION_SECONDS = 30.0


class Origin(StrEnum):
    """Where a program came from."""

    PACKAGE = "this package"
    PATH = "PATH"
    INSTALLED = "modelyard tools install"


@dataclass(frozen=True, slots=True)
class Executable:
    """A program that was found.

    Attributes:
        name: Name that was asked for.
        path: Absolute path.
        version: What it says about itself, without a leading `v`; None when it does not tell.
        pin: The pin that it is held against.
        origin: Where it came from.
    """

    name: str
    path: Path
    version: str | None
    pin: Pin
    origin: Origin

    @property
    def pinned(self) -> bool:
        """Whether its version is the pinned one, or new enough where any newer one will do."""
        return self.origin is not Origin.PATH or not self.pin.differs(self.version)

    @property
    def difference(self) -> str:
        """How its version differs from the pin, in words; empty when it does not."""
        if self.pinned:
            return ""
        version = self.version or "of an unknown version"
        if self.pin.exact:
            return f"{self.name} is {version}, pinned is {pinned_version(self.pin)}"
        return f"{self.name} is {version}, needed is {self.pin.version} or newer"


def find(name: str) -> Executable | None:
    """Return the program `name`: that of a platform wheel, the pinned version wherever it is, else what is on PATH.

    Answers are kept for the life of the process, until PATH is another one; versions for as long as the file does not
    change.

    Args:
        name: A program of `pins.yaml`.

    Raises:
        KeyError: The program is not in `pins.yaml`.
    """
    return _find(name, os.environ.get("PATH"), directories.data())


def require(name: str) -> Executable:
    """Return the program `name` as `find` does.

    Raises:
        UserError: It is nowhere to be found.
    """
    found = find(name)
    if found is not None:
        return found
    wanted = pin(name)
    remedy = f"run `modelyard tools install {name}`, or `mise install` in the repository"
    raise ToolMissing(
        f"{name} is not installed; without it: {wanted.without}",
        argv=[name],
        fix=remedy if wanted.build else f"install {name} {wanted.version} or newer",
    )


def forget() -> None:
    """Look again for every program at the next `find`, after something was installed."""
    _find.cache_clear()


def installed_path(name: str) -> Path:
    """Return where `modelyard tools install` puts the pinned version of `name`; it need not be there."""
    return directories.data() / "tools" / name / pinned_version(pin(name)) / name


def packaged_path(name: str) -> Path:
    """Return where a platform wheel carries `name`; it need not be there."""
    return Path(__file__).with_name("programs") / name


def pinned_version(wanted: Pin) -> str:
    """Return the pinned version; for a program of our own, a digest of its sources."""
    if wanted.version == "sources" and wanted.build is not None:
        return sources.digest(wanted.build.folder)
    return wanted.version


def version_of(path: Path, arguments: tuple[str, ...]) -> str | None:
    """Return the version that a program prints, remembered until the file changes; None when it prints none."""
    try:
        state = path.resolve().stat()
    except OSError:
        return None
    facts = [str(path.resolve()), state.st_mtime_ns, state.st_size, state.st_ino, *arguments]
    kept = directories.cache() / "versions" / (hashlib.sha256(orjson.dumps(facts)).hexdigest()[:32] + ".json")
    try:
        remembered = orjson.loads(kept.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        remembered = None
    if isinstance(remembered, str):
        return remembered
    try:
        completed = run([path, *arguments], timeout=_VERSION_SECONDS, max_output=1024 * 1024)
    except ToolError:
        return None
    match = _VERSION.search(completed.stdout.decode("utf-8", "replace") + completed.stderr)
    if completed.returncode != 0 or match is None:
        return None
    with contextlib.suppress(UserError):  # a cache that cannot be written costs a process start, nothing else
        write_whole(kept, orjson.dumps(match[1]))
    return match[1]


@functools.cache
def _find(name: str, search: str | None, data: Path) -> Executable | None:
    wanted = pin(name)
    packaged = packaged_path(name)
    # A wheel is made from one commit, so what it carries is what its pins say: docs/adr/0471-wheels-carry-programs.md.
    if os.access(packaged, os.X_OK) and packaged.is_file():
        return Executable(name, packaged, pinned_version(wanted), wanted, Origin.PACKAGE)
    installed = installed_path(name)
    ours = (
        Executable(name, installed, pinned_version(wanted), wanted, Origin.INSTALLED) if installed.is_file() else None
    )
    # Another program may happen to have the name of one of ours.
    on_path = shutil.which(name, path=search) if wanted.version != "sources" else None
    if on_path is None:
        return ours
    path = Path(on_path).absolute()
    found = Executable(name, path, version_of(path, wanted.version_arguments), wanted, Origin.PATH)
    return found if found.pinned or ours is None else ours
