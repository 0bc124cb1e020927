"""Paths into manifests, and finding them again in the texts that a manifest was made of."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from modelyard.repository.yaml import MappingNode, Node, SequenceNode, child, plain

Path = tuple[str | int, ...]

MISSING: Any = object()

_TOKEN = re.compile(r"([^.\[\]]+)|\[(\d+)\]")

# Fields by which Kubernetes merges list items, most telling first.
_IDENTITY = ("name", "mountPath", "containerPort", "port", "topologyKey", "key", "path", "kind")


def parse(path: str | Path) -> Path:
    """Return the steps of `spec.containers[0].image`; a tuple is taken as it is, for keys that hold dots."""
    return _steps(path) if isinstance(path, str) else path


@lru_cache(maxsize=8192)  # rules ask thousands of resources for the same few hundred paths
def _steps(path: str) -> Path:
    return tuple(name if name else int(index) for name, index in _TOKEN.findall(path))


def written(path: Path) -> str:
    """Return a path as people write it; keys with dots are put in brackets."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif "." in step or "/" in step:
            text += f"['{step}']"
        else:
            text += f".{step}" if text else step
    return text


def value_at(value: Any, path: Path) -> Any:
    """Return the value at a path, `MISSING` when there is none."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or not -len(value) <= step < len(value):
                return MISSING
            value = value[step]
        else:
            if not isinstance(value, dict) or step not in value:
                return MISSING
            value = value[step]
    return value


def counterpart(node: Node, path: Path, final: Any) -> Node | None:
    """Return the node that stands for `path` of the rendered value `final`; None where the text does not set it.

    List items are recognised by what identifies them, since patches move them about.
    """
    for step in path:
        below: Node | None
        if isinstance(step, int) and isinstance(node, SequenceNode):
            item = final[step] if isinstance(final, list) and step < len(final) else MISSING
            below = _item(node, step, item)
            final = item
        else:
            below = child(node, step)
            final = final.get(step, MISSING) if isinstance(final, dict) else MISSING
        if below is None:
            return None
        node = below
    return node


def _item(sequence: SequenceNode, index: int, item: Any) -> Node | None:
    if isinstance(item, dict):
        for name in _IDENTITY:
            if name in item and not isinstance(item[name], (dict, list)):
                for candidate in sequence.value:
                    named = child(candidate, name) if isinstance(candidate, MappingNode) else None
                    if named is not None and plain(named) == item[name]:
                        return candidate  # type: ignore[no-any-return]
                return None
        return child(sequence, index)
    if item is MISSING:
        return None
    return next((candidate for candidate in sequence.value if plain(candidate) == item), None)


def says(node: Node, value: Any) -> bool:
    """Return whether a text's node is where `value` comes from: equal, or a mapping or list that became part of it."""
    if isinstance(value, (dict, list)):
        return isinstance(node, MappingNode if isinstance(value, dict) else SequenceNode)
    return bool(plain(node) == value)
