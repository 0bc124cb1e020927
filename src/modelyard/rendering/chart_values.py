"""Which value of a chart's files of values a part of a rendered resource comes from.

A template says nothing of the values that it read. So values are looked for that a part of the resource repeats, under
keys that name the same thing; the last file that sets such a value is the place. It is a likely place, not a certain
one, and says so by its precision.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelyard.findings import Place, Precision, UserError
from modelyard.rendering.model import Resource
from modelyard.rendering.paths import MISSING, Path, value_at
from modelyard.repository.files import Files
from modelyard.repository.yaml import MappingNode, Node, ScalarNode, nodes, place_of, plain

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SHORT = 3  # letters; a shorter text is inside many others by chance


@dataclass(frozen=True, slots=True)
class _Value:
    """One value that files of values set."""

    path: tuple[str, ...]
    node: Node
    file: str
    text: str


def chart_place(files: Files, target: str, resource: Resource, path: Path) -> Place:
    """Return where a value of a resource of a chart was probably set.

    Args:
        files: The repository's files.
        target: The target that was rendered, for a chart without values.
        resource: The resource.
        path: Path of the value in it; what encloses an absent one is looked for instead.

    Returns:
        The line of the value, or the last file that sets anything where no value is alike.
    """
    while path and value_at(resource.value, path) is MISSING:
        path = path[:-1]
    try:
        given = list(_given(files, resource.transformed_by))
    except UserError:
        return Place(resource.origin or target)
    value = value_at(resource.value, path)
    ranked = [(rank, each) for each in given if (rank := _rank(each, resource, path, value)) is not None]
    if ranked:
        best = max(ranked, key=lambda pair: pair[0])[1]
        found = place_of(best.file, best.node, best.text)
        return Place(found.file, found.line, found.column, found.end_column, Precision.FILE, found.text)
    last = given[-1].file if given else (resource.origin or target)
    return Place(last, precision=Precision.FILE)


def _given(files: Files, paths: tuple[str, ...]) -> Iterator[_Value]:
    """Yield every value that is set, at the file that sets it last."""
    last: dict[tuple[str, ...], _Value] = {}
    for file in paths:
        if not files.is_file(file):
            continue
        text = files.text(file)
        for root in nodes(file, text):
            for path, node in _leaves(root):
                last.pop(path, None)
                last[path] = _Value(path, node, file, text)
    yield from last.values()


def _leaves(node: Node, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            path = (*above, str(key.value))
            if not isinstance(value, ScalarNode):
                yield path, value
            if isinstance(value, MappingNode):
                yield from _leaves(value, path)
            elif isinstance(value, ScalarNode):
                yield path, value


def _rank(given: _Value, resource: Resource, path: Path, value: Any) -> tuple[int, ...] | None:
    """Return how probably a value of the files is what a part of a resource comes from; None when it is not."""
    how = _alike(plain(given.node), value)
    if not how:
        return None
    words = _words(given.path)
    last = _words(given.path[-1:])
    metadata = resource.value.get("metadata")
    name = str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
    where = _words(tuple(str(part) for part in path if isinstance(part, str)))
    about = _words((str(resource.value.get("kind", "")), name))
    if not where & words:
        return None
    named = bool(last & _words(tuple(str(part) for part in path[-2:] if isinstance(part, str))))
    return (named, how, len(where & words) + len(about & words) - len(words - where - about))


def _alike(given: Any, value: Any) -> int:
    """Return 2 for a value that is the same, 1 for one that is part of it, 0 for another."""
    if isinstance(given, dict | list) or isinstance(value, dict | list):
        same = type(given) is type(value) and bool(given) and (given == value or _part_of(given, value))
        return 2 if same else 0
    if given is None or given == "":
        return 0
    if str(given) == str(value):
        return 2
    return 1 if isinstance(value, str) and len(str(given)) > _SHORT and str(given) in value else 0


def _part_of(given: Any, value: Any) -> bool:
    if isinstance(given, dict):
        return all(key in value and value[key] == each for key, each in given.items())
    return all(each in value for each in given)


def _words(parts: tuple[str, ...]) -> set[str]:
    """Return the words of keys in lower case and in the singular: `replicaCount` and `replicas` share one."""
    return {word.lower().removesuffix("s") for part in parts for word in _WORDS.findall(part)}
