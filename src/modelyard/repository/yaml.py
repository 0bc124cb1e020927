"""YAML as plain values, and as nodes with positions.

PyYAML's C loader reads about ten times faster than ruamel.yaml; ruamel.yaml is for edits that keep comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import yaml as pyyaml

from modelyard.findings import Address, At, Place, Precision, UserError
from modelyard.repository.limits import MAX_ALIASES, MAX_DEPTH, MAX_EXPANSION, MAX_NODES

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML without libyaml: the same result, slower
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

_DEEP = re.compile(r"^ {200}|[-?:][ \t]+(?:[-?:][ \t]+){99}", re.MULTILINE)
_TWICE = "stands twice"
_ALIAS = re.compile(r"\*[0-9A-Za-z_-]")
_SEPARATORS = (":", ",", "-", "?", "[", "{")

Node = pyyaml.nodes.Node
MappingNode = pyyaml.nodes.MappingNode
SequenceNode = pyyaml.nodes.SequenceNode
ScalarNode = pyyaml.nodes.ScalarNode


class MalformedYAML(UserError):
    """A file is not the YAML that it should be."""


class DuplicateKey(MalformedYAML):
    """A mapping has a key twice: libraries that accept it keep one value, or merge both, without a word."""


class NotOneMapping(MalformedYAML):
    """A file is YAML, and not the one mapping that it should be.

    Args:
        path: The file.
        at: Where to show it; nowhere when None.
        of: What it maps, for one that maps something of its own.
        fix: What to do.
    """

    def __init__(self, path: str, *, at: Address | None = None, of: str = "", fix: str = "") -> None:
        what = f"one YAML mapping of {of}" if of else "one YAML mapping"
        super().__init__(f"{path} should hold {what}", fix=fix, at=at)


def one_mapping(path: str, contents: Sequence[Any], *, at: Address | None = None) -> dict[str, Any]:
    """Return the mapping that the documents of a file are.

    Args:
        path: The file, for the message.
        contents: The plain values of its documents.
        at: Where to show it; the file when None.

    Raises:
        NotOneMapping: They are several, or something else.
    """
    if len(contents) != 1 or not isinstance(contents[0], dict):
        raise NotOneMapping(path, at=at or At(Place(path)))
    return contents[0]


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
                    None, None, f"the key {key!r} {_TWICE} (first on line {seen[key] + 1})", key_node.start_mark
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
    kind = DuplicateKey if _TWICE in problem else MalformedYAML
    return kind(f"{path} is not valid YAML: {problem}", at=At(place))


def _check_bounds(path: str, text: str, values: int = MAX_NODES) -> None:
    """Refuse what would overflow libyaml's stack or memory; ordinary files pay for a few counts only."""
    many = len(text) > values and 2 * sum(map(text.count, _SEPARATORS)) > values
    if (
        (text.count("*") <= MAX_ALIASES or len(_ALIAS.findall(text)) <= MAX_ALIASES)
        and text.count("[") + text.count("{") <= MAX_DEPTH
        and not many
        and not _DEEP.search(text)
    ):
        return
    aliases = depth = count = 0
    for event in pyyaml.parse(text, Loader=_SafeLoader):
        aliases += isinstance(event, pyyaml.AliasEvent)
        count += isinstance(event, pyyaml.NodeEvent)
        depth += isinstance(event, pyyaml.CollectionStartEvent)
        depth -= isinstance(event, pyyaml.CollectionEndEvent)
        if aliases > MAX_ALIASES or depth > MAX_DEPTH or count > values:
            place = _place_of_mark(path, event.start_mark)
            if depth > MAX_DEPTH:
                raise MalformedYAML(f"{path} is nested more than {MAX_DEPTH} levels deep", at=At(place))
            if count > values:
                raise MalformedYAML(
                    f"{path} holds more than {values:,} values", fix="split it into several files", at=At(place)
                )
            raise MalformedYAML(
                f"{path} uses more than {MAX_ALIASES} YAML aliases", fix="write the values out", at=At(place)
            )


def _place_of_mark(path: str, mark: Any) -> Place:
    return Place(path, mark.line + 1, mark.column + 1, None, Precision.EXACT)


class _Expansion:
    """Counts what aliases and merge keys stand for, before anything is built from them.

    An alias is the same node again, so that a node's size is found once, however often it stands for more.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._sizes: dict[Node, int] = {}
        self._added = 0

    def check(self, node: Node) -> None:
        """Refuse a document whose aliases would add too many nodes, or that is part of itself.

        Raises:
            MalformedYAML: It is such a document; names the place of the alias.
        """
        self._size(node, node)

    def _size(self, node: Node, named_by: Node) -> int:
        known = self._sizes.get(node)
        if known == 0:
            raise MalformedYAML(
                f"{self._path} has an alias of what it is a part of",
                fix="write the values out",
                at=At(_place_of_mark(self._path, named_by.start_mark)),
            )
        if known is not None:
            self._added += known
            if self._added > MAX_EXPANSION:
                raise MalformedYAML(
                    f"{self._path} has YAML aliases that stand for more than {MAX_EXPANSION:,} values",
                    fix="write the values out",
                    at=At(_place_of_mark(self._path, named_by.start_mark)),
                )
            return known
        if isinstance(node, ScalarNode):
            size = 1
        else:
            self._sizes[node] = 0
            size = 1
            if isinstance(node, MappingNode):
                for key, value in node.value:
                    size += self._size(key, key) + self._size(value, key)
            else:
                for item in node.value:
                    size += self._size(item, node)
        self._sizes[node] = size
        return size


def documents(path: str, text: str, *, values: int = MAX_NODES) -> list[Any]:
    """Return the plain values of all documents of a YAML text; empty documents are left out.

    Args:
        path: The file's name, for messages.
        text: The content.
        values: Values that are read at most.

    Raises:
        MalformedYAML: The text is not YAML, repeats a key, or is more than the limits allow: depth, values, aliases,
            and what aliases and merge keys stand for.
    """
    try:
        _check_bounds(path, text, values)
        return list(_values(path, text, _Loader))
    except pyyaml.YAMLError as fault:
        raise _refused(path, fault, text) from None
    except RecursionError:
        raise MalformedYAML(f"{path} is nested too deeply", at=At(Place(path))) from None
    except _UNREADABLE as fault:
        raise MalformedYAML(f"{path} is not valid YAML: {_told(fault)}", at=At(Place(path))) from None


# What PyYAML's constructors raise of a value that its tag does not allow, such as `!!timestamp x` and `!!bool x`.
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError)


def _told(fault: Exception) -> str:
    return str(fault) if isinstance(fault, ValueError | TypeError) else "a value does not fit its tag"


def documents_of_1_1(path: str, text: str) -> list[Any]:
    """Return the documents as YAML 1.1 resolves them, dates and yes and no included: as Copier reads its files.

    Raises:
        MalformedYAML: As for `documents`; a key may be repeated.
    """
    try:
        _check_bounds(path, text)
        return list(_values(path, text, _SafeLoader))
    except pyyaml.YAMLError as fault:
        raise _refused(path, fault, text) from None
    except (RecursionError, *_UNREADABLE) as fault:
        raise MalformedYAML(f"{path} is not valid YAML: {_told(fault)}", at=At(Place(path))) from None


def _values(path: str, text: str, kind: type[_SafeLoader]) -> Iterator[Any]:
    loader = kind(text)
    expansion = _Expansion(path) if _ALIAS.search(text) else None
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                continue
            if expansion is not None:
                expansion.check(node)
            value = loader.construct_document(node)
            if value is not None:
                yield value
    finally:
        loader.dispose()


def rendered(output: bytes, name: str = "what was rendered") -> list[Any]:
    """Return the documents of a renderer's output; its charts and templates are as foreign as a file.

    Raises:
        MalformedYAML: The output is not YAML, or more than the limits allow.
    """
    try:
        text = output.decode()
        _check_bounds(name, text)
        return list(_values(name, text, _CoreLoader))
    except UnicodeDecodeError:
        raise MalformedYAML(f"{name} is not UTF-8 text", at=At(Place(name))) from None
    except pyyaml.YAMLError as fault:
        raise _refused(name, fault, text) from None
    except (RecursionError, *_UNREADABLE) as fault:
        raise MalformedYAML(f"{name} is not valid YAML: {_told(fault)}", at=At(Place(name))) from None


def nodes(path: str, text: str) -> Iterator[Node]:
    """Yield the root node of each document, with its marks.

    Raises:
        MalformedYAML: The text is not YAML, or more than the limits allow.
    """
    try:
        _check_bounds(path, text)
        expansion = _Expansion(path) if _ALIAS.search(text) else None
        for node in pyyaml.compose_all(text, Loader=_SafeLoader):
            if node is None:
                continue
            if expansion is not None:
                expansion.check(node)
            yield node
    except pyyaml.YAMLError as fault:
        raise _refused(path, fault, text) from None
    except RecursionError:
        raise MalformedYAML(f"{path} is nested too deeply", at=At(Place(path))) from None
    except ValueError as fault:
        raise MalformedYAML(f"{path} is not valid YAML: {fault}", at=At(Place(path))) from None


_MARKER = re.compile(r"^---(?=[ \t\r\n]|$)", re.MULTILINE)
# Directives belong to the document after them, and other breaks of lines than these two are counted by nobody here.
_WHOLE = re.compile(r"^%|\r(?!\n)|[\x85\u2028\u2029]", re.MULTILINE)


@lru_cache(maxsize=4)  # what is found in one file is found there again and again
def pieces(text: str) -> tuple[str, ...]:
    """Return each document of a text by itself, with as many empty lines before it as there are lines before it.

    Nodes begin so on the lines and in the columns of the whole text. A text with directives or rare breaks of lines is
    one piece.
    """
    if _WHOLE.search(text):
        return (text,)
    found: list[str] = []
    start = lines = 0
    for end in (*(marker.start() for marker in _MARKER.finditer(text)), len(text)):
        piece = text[start:end]
        if piece.strip("- \t\r\n"):
            found.append("\n" * lines + piece)
        lines += piece.count("\n")
        start = end
    return tuple(found)


def plain(node: Node) -> Any:
    """Return the plain value of a node; None where its tag does not allow it."""
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    except (pyyaml.YAMLError, RecursionError, *_UNREADABLE):
        return None
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
