"""YAML as plain values, and as nodes with positions.

PyYAML's C loader reads about ten times faster than ruamel.yaml; ruamel.yaml is for edits that keep comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml as pyyaml

from modelyard.findings import At, Place, Precision, Refusal

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML without libyaml: the same result, slower
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

MAX_ALIASES = 100
"""An alias bomb needs many aliases; hand-written YAML has few."""

MAX_DEPTH = 200
"""Manifests nest some twenty levels; libyaml's composer recurses once a level."""

_DEEP = re.compile(r"^ {200}|(?:[-?] ){100}", re.MULTILINE)

Node = pyyaml.nodes.Node
MappingNode = pyyaml.nodes.MappingNode
SequenceNode = pyyaml.nodes.SequenceNode
ScalarNode = pyyaml.nodes.ScalarNode


class MalformedYAML(Refusal):
    """A file is not the YAML that it should be."""


class _CoreLoader(_SafeLoader):
    """Scalars as Kubernetes' YAML library resolves them: no dates, no sexagesimal numbers, no yes and no."""


_CoreLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN)",
        "-+.0123456789",
    ),
    ("merge", r"<<", "<"),
):
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


class _Loader(_CoreLoader):
    """As `_CoreLoader`, and duplicate keys are refused; for files that people write."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, Any] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = key_node.value
            if key in seen:
                raise pyyaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice (first on line {seen[key] + 1})", key_node.start_mark
                )
            seen[key] = key_node.start_mark.line
        return dict(super().construct_mapping(node, deep))


def place_of(path: str, node: Node, text: str) -> Place:
    """Return where a node stands in its file; for block values only the start is marked."""
    mark, end = node.start_mark, node.end_mark
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    end_column = end.column + 1 if end.line == mark.line and end.column > mark.column else None
    return Place(path, mark.line + 1, mark.column + 1, end_column, Precision.EXACT, line)


_CONFLICT = re.compile(r"^(<{7}|>{7})(?: .*)?$", re.MULTILINE)


def _refused(path: str, fault: pyyaml.YAMLError, text: str) -> MalformedYAML:
    conflict = _CONFLICT.search(text)
    if conflict:
        above = text.count("\n", 0, conflict.start())
        place = Place(path, above + 1, 1, len(conflict[0]) + 1, Precision.EXACT, conflict[0])
        fix = "keep one of the two sides and remove the markers"
        return MalformedYAML(f"{path} has the conflict markers of a merge", fix=fix, at=At(place))
    mark = getattr(fault, "problem_mark", None)
    problem = str(getattr(fault, "problem", None) or fault).strip()
    if mark is None:
        return MalformedYAML(f"{path} is not valid YAML: {problem}", at=At(Place(path)))
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    place = Place(path, mark.line + 1, mark.column + 1, None, Precision.EXACT, line)
    return MalformedYAML(f"{path} is not valid YAML: {problem}", at=At(place))


def _check_bounds(path: str, text: str) -> None:
    """Refuse alias bombs and nesting that would overflow libyaml's stack; ordinary files pay for a few counts only."""
    if text.count("*") <= MAX_ALIASES and text.count("[") + text.count("{") <= MAX_DEPTH and not _DEEP.search(text):
        return
    aliases = depth = 0
    for event in pyyaml.parse(text, Loader=_SafeLoader):
        aliases += isinstance(event, pyyaml.AliasEvent)
        depth += isinstance(event, pyyaml.CollectionStartEvent)
        depth -= isinstance(event, pyyaml.CollectionEndEvent)
        if aliases > MAX_ALIASES or depth > MAX_DEPTH:
            mark: Any = event.start_mark
            place = Place(path, mark.line + 1, mark.column + 1, None, Precision.EXACT)
            if depth > MAX_DEPTH:
                raise MalformedYAML(f"{path} is nested more than {MAX_DEPTH} levels deep", at=At(place))
            raise MalformedYAML(
                f"{path} uses more than {MAX_ALIASES} YAML aliases", fix="write the values out", at=At(place)
            )


def documents(path: str, text: str) -> list[Any]:
    """Return the plain values of all documents of a YAML text; empty documents are left out.

    Args:
        path: The file's name, for messages.
        text: The content.

    Raises:
        MalformedYAML: The text is not YAML, repeats a key, or uses too many aliases.
    """
    try:
        _check_bounds(path, text)
        return [value for value in pyyaml.load_all(text, Loader=_Loader) if value is not None]
    except pyyaml.YAMLError as fault:
        raise _refused(path, fault, text) from None
    except RecursionError:
        raise MalformedYAML(f"{path} is nested too deeply", at=At(Place(path))) from None
    except (ValueError, TypeError) as fault:
        raise MalformedYAML(f"{path} is not valid YAML: {fault}", at=At(Place(path))) from None


def rendered(output: bytes) -> list[Any]:
    """Return the documents of a renderer's output, which is trusted to be well formed."""
    return [value for value in pyyaml.load_all(output, Loader=_CoreLoader) if value is not None]


def nodes(path: str, text: str) -> Iterator[Node]:
    """Yield the root node of each document, with its marks.

    Raises:
        MalformedYAML: The text is not YAML.
    """
    try:
        _check_bounds(path, text)
        yield from (node for node in pyyaml.compose_all(text, Loader=_SafeLoader) if node is not None)
    except pyyaml.YAMLError as fault:
        raise _refused(path, fault, text) from None
    except RecursionError:
        raise MalformedYAML(f"{path} is nested too deeply", at=At(Place(path))) from None


def plain(node: Node) -> Any:
    """Return the plain value of a node."""
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def child(node: Node, key: str | int) -> Node | None:
    """Return the value below a mapping's key or a sequence's index, None when there is none."""
    if isinstance(node, MappingNode):
        for key_node, value_node in node.value:
            if isinstance(key_node, ScalarNode) and key_node.value == str(key):
                return value_node  # type: ignore[no-any-return]
    elif isinstance(node, SequenceNode) and isinstance(key, int) and -len(node.value) <= key < len(node.value):
        return node.value[key]  # type: ignore[no-any-return]
    return None
