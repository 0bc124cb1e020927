"""What images take on a node's disk, and what they are built for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from modelyard.catalog.loading import DATA, read_yaml


def image_bytes(name: str) -> int | None:
    """Return what an image takes once it is unpacked, in bytes; None where it is not known.

    Args:
        name: Its name without tag and digest; a registry's mirror may stand before it.
    """
    return next((size for known, size in _sizes().items() if name == known or name.endswith("/" + known)), None)


@cache
def _sizes() -> Mapping[str, int]:
    return {str(row["name"]): int(row["unpacked-gb"] * 10**9) for row in read_yaml(DATA / "images.yaml")["images"]}


@cache
def image_architectures(name: str) -> tuple[str, ...]:
    """Return for which architectures an image is built, such as `amd64`, where that is not both; empty when unknown.

    Args:
        name: Its name without tag and digest.
    """
    entry = read_yaml(DATA / "images.yaml")["architectures"].get(name.removeprefix("docker.io/")) or {}
    return tuple(entry.get("built-for", ()))
