"""Build the pinned tools from their Go modules; go.sum is the lock."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from modelyard.findings import UserError
from modelyard.tooling import directories, executables, sources
from modelyard.tooling.executables import find, installed_path, pinned_version
from modelyard.tooling.files import exclusive, unwritable
from modelyard.tooling.pins import Build, Pin, pins
from modelyard.tooling.processes import ToolFailed, run, shell_line
from modelyard.tooling.toolchain import BUILD_ENVIRONMENT, Go, fetch_go, find_go

_BUILD_SECONDS = 3600.0
_PROGRESS_SECONDS = 2.0
_KEPT_BUILDS = 3
_NETWORK = re.compile(r"dial tcp|no such host|i/o timeout|connection refused|network is unreachable|TLS handshake")


class Action(StrEnum):
    """What was done for a tool."""

    PRESENT = "present"
    BUILT = "built"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True)
class InstallStep:
    """One line of progress.

    Attributes:
        tool: Tool concerned; empty for what serves all of them.
        message: What is happening.
        passing: Whether the next line may take its place on a terminal.
    """

    tool: str
    message: str
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Installed:
    """What was done for one tool.

    Attributes:
        name: Name of the tool.
        version: Version that is pinned.
        path: Where the program is, or would be.
        action: What was done.
        seconds: How long the build took.
        command: The build as a line to paste; empty when nothing is built.
    """

    name: str
    version: str
    path: Path
    action: Action
    seconds: float = 0.0
    command: str = ""


def default_names() -> tuple[str, ...]:
    """Return what is installed when no tool is named: what `check` uses on every run."""
    return tuple(
        each.name for each in pins() if each.build is not None and each.build.default and sources.has(each.build.folder)
    )


def install(
    names: Sequence[str] = (), *, dry_run: bool = False, report: Callable[[InstallStep], None] = lambda step: None
) -> list[Installed]:
    """Build tools whose pinned version is not on this machine, into the data folder.

    Each program is built aside, run once, and then moved into place whole. Two installs never run at once.

    Args:
        names: Tools of `pins.yaml` with a build; those of `default_names` when empty.
        dry_run: Only say what would be done; starts no build and fetches nothing.
        report: Called with each line of progress.

    Returns:
        One entry per tool, in the order asked for.

    Raises:
        UserError: A name is unknown or cannot be built, there is no Go and none can be fetched, or a build fails.
    """
    wanted = [_buildable(name) for name in dict.fromkeys(names or default_names())]
    if dry_run:
        return [_plan(each, build) for each, build in wanted]
    present = [_present(each) for each, _ in wanted]
    if all(present):
        return [entry for entry in present if entry is not None]
    lock = directories.data() / "install.lock"
    with exclusive(
        lock, timeout=_BUILD_SECONDS, waiting=lambda: report(InstallStep("", "waiting for another install to end"))
    ):
        executables.forget()
        present = [_present(each) for each, _ in wanted]
        if all(present):
            return [entry for entry in present if entry is not None]
        go = find_go() or fetch_go(lambda message: report(InstallStep("", message)))
        return [
            entry if entry is not None else _build(each, build, go, report)
            for entry, (each, build) in zip(present, wanted, strict=True)
        ]


def _buildable(name: str) -> tuple[Pin, Build]:
    for each in pins():
        if each.name == name:
            if each.build is None:
                raise UserError(
                    f"{name} is not built by modelyard",
                    fix=f"install {name} {each.version}{'' if each.exact else ' or newer'} by `mise install` "
                    "or your package manager",
                )
            if not sources.has(each.build.folder):
                sources.root()  # says so when there are no sources at all
                raise UserError(f"this installation of modelyard carries no sources of {name}")
            return each, each.build
    known = ", ".join(each.name for each in pins() if each.build is not None)
    raise UserError(f"there is no tool named {name}", fix=f"choose from {known}")


def _present(wanted: Pin) -> Installed | None:
    found = find(wanted.name)
    if found is None or not found.pinned:
        return None
    return Installed(wanted.name, pinned_version(wanted), found.path, Action.PRESENT)


def _plan(wanted: Pin, build: Build) -> Installed:
    present = _present(wanted)
    if present is not None:
        return present
    go = find_go()
    target = installed_path(wanted.name)
    line = shell_line(
        build_command(wanted, build, go.path if go else Path("go"), target), sources.root() / build.folder
    )
    return Installed(wanted.name, pinned_version(wanted), target, Action.PLANNED, command=line)


def build_command(wanted: Pin, build: Build, go: Path, output: Path) -> list[str]:
    """Return the command that builds a tool; it is run in the tool's folder of `tools/`."""
    flags = "-s -w" + (f" -X {build.version_variable}=v{wanted.version}" if build.version_variable else "")
    switches = ["-v", "-trimpath", "-mod=readonly", "-buildvcs=false", f"-ldflags={flags}"]
    if build.tags:
        switches.append(f"-tags={build.tags}")
    return [str(go), "build", *switches, "-o", str(output), build.package]


def _build(wanted: Pin, build: Build, go: Go, report: Callable[[InstallStep], None]) -> Installed:
    version = pinned_version(wanted)
    folder = sources.root() / build.folder
    target = installed_path(wanted.name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(prefix=".building-", dir=target.parent)
    except OSError as problem:
        raise unwritable(target, problem) from problem
    started = time.monotonic()
    report(InstallStep(wanted.name, f"building {version} from {build.module or 'its sources'} with Go {go.version}"))
    with scratch as name:
        made = Path(name) / wanted.name
        argv = build_command(wanted, build, go.path, made)
        try:
            run(
                argv,
                cwd=folder,
                timeout=_BUILD_SECONDS,
                env=BUILD_ENVIRONMENT,
                check=True,
                on_stderr=_progress(wanted.name, report),
            )
        except ToolFailed as failed:
            raise _refusal(wanted, failed) from failed
        _try_out(wanted, version, made)
        try:
            made.replace(target)
        except OSError as problem:
            raise unwritable(target, problem) from problem
    executables.forget()
    seconds = time.monotonic() - started
    report(InstallStep(wanted.name, f"installed {version} at {target} ({seconds:.0f} s)"))
    if wanted.version == "sources":
        _drop_old_builds(target.parent.parent)
    line = shell_line(build_command(wanted, build, go.path, target), folder)
    return Installed(wanted.name, version, target, Action.BUILT, seconds, line)


def _drop_old_builds(folder: Path) -> None:
    """Keep the newest builds of a program of our own: every change of its sources makes another."""
    builds = sorted(folder.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
    for old in builds[_KEPT_BUILDS:]:
        shutil.rmtree(old, ignore_errors=True)


def _progress(name: str, report: Callable[[InstallStep], None]) -> Callable[[str], None]:
    modules = packages = 0
    told = time.monotonic()

    def count(line: str) -> None:
        nonlocal modules, packages, told
        if line.startswith("go: downloading"):
            modules += 1
        elif " " not in line:
            packages += 1
        if time.monotonic() - told >= _PROGRESS_SECONDS:
            told = time.monotonic()
            report(InstallStep(name, f"{modules} modules downloaded, {packages} packages compiled", passing=True))

    return count


def _try_out(wanted: Pin, version: str, made: Path) -> None:
    completed = run([made, *wanted.version_arguments], timeout=60.0)
    said = completed.stdout.decode("utf-8", "replace") + completed.stderr
    if completed.returncode != 0 or (wanted.version != "sources" and version not in said):
        raise UserError(
            f"{wanted.name} was built, but says {said.strip()[:200]!r} when asked for its version {version}",
            fix="run the command again; if it stays so, get the tool by `mise install`",
        )


def _refusal(wanted: Pin, failed: ToolFailed) -> UserError:
    lines = [line for line in failed.completed.stderr.splitlines() if " " in line and "go: downloading" not in line]
    told = "; ".join(line.strip() for line in lines[-3:])[:600]
    if _NETWORK.search(failed.completed.stderr):
        return UserError(
            f"{wanted.name} cannot be built: its modules cannot be downloaded ({told})",
            fix="connect to the Go module proxy, set GOPROXY to one that can be reached, or get it by `mise install`",
        )
    return UserError(f"{wanted.name} cannot be built: {told or failed.message}", fix=failed.fix)
