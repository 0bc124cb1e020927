"""Which architectures each version of vLLM serves, as far as its wheels were read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from modelyard.catalog.loading import read_json


@cache
def _table() -> tuple[tuple[tuple[int, ...], ...], Mapping[str, str]]:
    raw = read_json("engines", "vllm-architectures.json")
    versions = tuple(tuple(map(int, version.split("."))) for version in raw["versions"])
    return versions, MappingProxyType(raw["architectures"])


def has_architecture(version: tuple[int, ...], architecture: str) -> bool | None:
    """Tell whether a version of vLLM serves an architecture.

    Args:
        version: The version as numbers.
        architecture: As `architectures` of a config calls it.

    Returns:
        What the wheels on both sides of the version say, or its own; None where they differ, or where the version lies
        outside of those that were read.
    """
    versions, table = _table()
    marks = table.get(architecture, "-" * len(versions))
    before = [at for at, each in enumerate(versions) if each <= version]
    after = [at for at, each in enumerate(versions) if each >= version]
    if not before or not after:
        return None
    around = {marks[before[-1]], marks[after[0]]}
    return None if len(around) > 1 else around == {"x"}


def known_architectures() -> tuple[str, ...]:
    """Return the architectures that some version of vLLM serves of those that were read."""
    return tuple(_table()[1])


def serving_versions(architecture: str) -> tuple[str, ...]:
    """Return the versions that serve an architecture of those that were read, oldest first."""
    versions, table = _table()
    marks = table.get(architecture, "")
    return tuple(".".join(map(str, version)) for version, mark in zip(versions, marks, strict=False) if mark == "x")


def versions_read() -> tuple[str, str]:
    """Return the oldest and the newest version whose architectures were read."""
    versions, _ = _table()
    return ".".join(map(str, versions[0])), ".".join(map(str, versions[-1]))
