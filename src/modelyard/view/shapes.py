"""Reading parts of manifests that may not have the shape that their kind should have.

The schema says so; every other rule reads on, and takes what has the wrong shape for absent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.rendering import Path


def _below(holder: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        holder = holder.get(key) if isinstance(holder, dict) else None
    return holder


def mapping(holder: Any, *keys: str) -> dict[str, Any]:
    """Return the mapping below some keys; an empty one where there is none, or something else."""
    value = _below(holder, keys)
    return value if isinstance(value, dict) else {}


def listed(holder: Any, *keys: str) -> list[Any]:
    """Return the list below some keys; an empty one where there is none, or something else."""
    value = _below(holder, keys)
    return value if isinstance(value, list) else []


def numbered(holder: Any, *keys: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the mappings of the list below some keys, each with its position."""
    return ((index, item) for index, item in enumerate(listed(holder, *keys)) if isinstance(item, dict))


def entries(holder: Any, *keys: str) -> list[dict[str, Any]]:
    """Return the mappings of the list below some keys."""
    return [item for _, item in numbered(holder, *keys)]


def text(holder: Any, *keys: str) -> str:
    """Return the text below some keys; empty where there is none, or something that is no scalar."""
    value = _below(holder, keys)
    return "" if value is None or isinstance(value, dict | list) else str(value)


def texts_in(value: Any, path: Path = (), *, least: int = 0) -> Iterator[tuple[Path, str]]:
    """Yield every text below a value with its path; keys are texts.

    Args:
        value: A manifest, or a part of one.
        path: Where it stands.
        least: Letters that a text has at least.
    """
    if isinstance(value, str):
        if len(value) >= least:
            yield path, value
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from texts_in(below, (*path, str(key)), least=least)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from texts_in(below, (*path, index), least=least)
