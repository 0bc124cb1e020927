"""What the files of a repository set: each value and each list item, with where it stands in its file."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import PurePosixPath
from typing import Any

from modelyard.repository.yaml import MalformedYAML, MappingNode, Node, ScalarNode, SequenceNode, nodes, plain

Scalar = str | int | float | bool | None

_NAMED_LISTS = frozenset({"env", "literals"})
"""Lists whose items are told apart by their names: a variable is a field of its own."""


@dataclass(frozen=True)
class Leaf:
    """One value that a file sets.

    Attributes:
        file: The file, relative to the repository.
        field: What is set, the same for every object that has it, such as `Deployment spec.replicas`.
        key: The key that the value stands under; empty for an item of a list.
        value: The value; None for null, mappings and lists.
        is_scalar: Whether it is neither a mapping nor a list.
        span: Start and end of the value.
        key_span: Start and end of the key; None for an item of a list.
        removal: Start and end of what is taken out to remove it, and what is left there.
        doubling: Where an item is put in a second time, and the text; None for what is no item.
        parent: Start and end of the mapping or list that holds it.
        indent: What stands before each line of its text, where this text lies in another one.
        object: Kind and name of the object that the document is; empty where it is none.
    """

    file: str
    field: str
    key: str
    value: Scalar
    is_scalar: bool
    span: tuple[int, int]
    key_span: tuple[int, int] | None
    removal: tuple[int, int, str]
    doubling: tuple[int, str] | None
    parent: tuple[int, int]
    indent: str = ""
    object: str = ""


@dataclass(frozen=True)
class _Text:
    """A YAML text inside a file: the file itself, or a block such as an inline patch.

    Attributes:
        text: The text as it is parsed.
        starts: Offsets in the file of the starts of its lines, its own indentation passed over.
        indent: Its indentation in the file.
    """

    text: str
    starts: tuple[int, ...]
    indent: str = ""
    own: tuple[int, ...] = field(default=())

    @staticmethod
    def of_file(text: str) -> _Text:
        own = _line_starts(text)
        return _Text(text, own, "", own)

    def outer(self, offset: int) -> int:
        """Return where an offset of the text lies in the file."""
        line = bisect_right(self.own, offset) - 1
        return self.starts[line] + offset - self.own[line]

    def span(self, start: int, end: int) -> tuple[int, int]:
        return self.outer(start), self.outer(end)

    def trimmed(self, node: Node) -> int:
        """Return where a node ends, without what stands between it and the next one."""
        end = node.end_mark.index
        if isinstance(node, ScalarNode) and not node.style and not node.value:
            return int(end)
        text = self.text[:end]
        while True:
            text = text.rstrip()
            line = text.rfind("\n") + 1
            if not text[line:].lstrip().startswith("#") or line <= node.start_mark.index:
                return len(text)
            text = text[:line]


def leaves(file: str, text: str) -> Iterator[Leaf]:
    """Yield what a YAML file sets.

    Args:
        file: The file, relative to the repository.
        text: Its content.
    """
    whole = _Text.of_file(text)
    for root in nodes(file, text):
        content = plain(root)
        named = content.get("metadata") if isinstance(content, dict) else None
        own = f"{content.get('kind')} {named.get('name')}" if isinstance(named, dict) else ""
        for leaf in _below(file, whole, root, _kind(file, content), ()):
            yield replace(leaf, object=own)


def _kind(file: str, document: Any) -> str:
    """Return what a document is, for the names of its fields."""
    if isinstance(document, dict) and isinstance(document.get("kind"), str) and document.get("apiVersion"):
        return str(document["kind"])
    path = PurePosixPath(file)
    if path.name in ("values.yaml", "values.yml"):
        return f"values of {path.parent.name}"
    return path.name


def _below(file: str, text: _Text, node: Node, kind: str, path: tuple[str, ...]) -> Iterator[Leaf]:
    if isinstance(node, MappingNode):
        yield from _of_mapping(file, text, node, kind, path)
    elif isinstance(node, SequenceNode):
        yield from _of_list(file, text, node, kind, path)


def _of_mapping(file: str, text: _Text, node: Any, kind: str, path: tuple[str, ...]) -> Iterator[Leaf]:
    pairs = node.value
    content = plain(node)
    is_operation = isinstance(content, dict) and isinstance(content.get("op"), str) and "path" in content
    for number, (key, value) in enumerate(pairs):
        if not isinstance(key, ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
            continue
        start, end = key.start_mark.index, text.trimmed(value)
        if number + 1 < len(pairs):
            removal = (start, pairs[number + 1][0].start_mark.index, "")
        elif number:
            removal = (text.trimmed(pairs[number - 1][1]), end, "")
        else:
            removal = (start, end, "" if node.flow_style else "{}")
        below = (*path, str(key.value))
        if is_operation and isinstance(content, dict):
            below = _of_operation(content, str(key.value), path)
        leaf = _leaf(file, text, node, value, kind, below)
        first, last = text.span(removal[0], removal[1])
        yield replace(
            leaf,
            key=str(key.value),
            key_span=text.span(start, key.end_mark.index),
            removal=(first, last, removal[2]),
        )
        yield from _deeper(file, text, value, kind, below, content if isinstance(content, dict) else {})


def _of_list(file: str, text: _Text, node: Any, kind: str, path: tuple[str, ...]) -> Iterator[Leaf]:
    items = node.value
    starts = [_item_start(text.text, item, flow=node.flow_style) for item in items]
    for number, item in enumerate(items):
        start, end = starts[number], text.trimmed(item)
        if number + 1 < len(items):
            removal = (start, starts[number + 1], "")
        elif number:
            removal = (text.trimmed(items[number - 1]), end, "")
        else:
            removal = (start, end, "" if node.flow_style else "[]")
        below = (*path[:-1], f"{path[-1] if path else ''}[{_name(item, path)}]")
        leaf = _leaf(file, text, node, item, kind, below)
        column = start - (text.text.rfind("\n", 0, start) + 1)
        own = text.text[start:end]
        doubling = f", {own}" if node.flow_style else f"\n{' ' * column}{own}"
        first, last = text.span(removal[0], removal[1])
        yield replace(
            leaf, removal=(first, last, removal[2]), doubling=(text.outer(end - 1) + 1, _indented(doubling, text))
        )
        yield from _deeper(file, text, item, kind, below, {})


def _leaf(file: str, text: _Text, holder: Node, node: Node, kind: str, path: tuple[str, ...]) -> Leaf:
    is_scalar = isinstance(node, ScalarNode)
    value = plain(node) if is_scalar else None
    return Leaf(
        file,
        f"{kind} {'.'.join(path)}",
        "",
        value if isinstance(value, str | int | float | bool) else None,
        is_scalar,
        text.span(node.start_mark.index, text.trimmed(node)),
        None,
        (0, 0, ""),
        None,
        text.span(holder.start_mark.index, max(holder.start_mark.index + 1, text.trimmed(holder))),
        text.indent,
    )


def _deeper(
    file: str, text: _Text, node: Node, kind: str, path: tuple[str, ...], beside: dict[str, Any]
) -> Iterator[Leaf]:
    """Yield what stands below a value; of a block that is YAML itself, such as an inline patch, what this sets."""
    if not isinstance(node, ScalarNode):
        yield from _below(file, text, node, kind, path)
        return
    if node.style != "|" or text.indent:
        return
    inner = _block(text, node)
    if inner is None:
        return
    try:
        roots = list(nodes(file, inner.text))
    except MalformedYAML:
        return
    for root in roots:
        content = plain(root)
        is_patch = isinstance(content, dict) or (isinstance(content, list) and content and isinstance(content[0], dict))
        if not is_patch:
            return
        target = beside.get("target")
        named = str(target.get("kind") or "") if isinstance(target, dict) else ""
        own = _kind("", content) if isinstance(content, dict) and content.get("apiVersion") else ""
        if own or named or path[-1:] == ("patch",):
            yield from _below(file, inner, root, own or named or "patch", ())
        else:
            yield from _below(file, inner, root, kind, path)


def _block(text: _Text, node: Any) -> _Text | None:
    """Return the text of a literal block, with where its lines lie in the file."""
    line = node.start_mark.line + 1
    lines = node.value.split("\n")
    if line >= len(text.own):
        return None
    first = next((n for n, each in enumerate(lines) if each.strip()), None)
    if first is None or line + first >= len(text.own):
        return None
    start = text.own[line + first]
    rest = text.text[start:]
    indent = len(rest) - len(rest.lstrip(" ")) - (len(lines[first]) - len(lines[first].lstrip(" ")))
    own = _line_starts(node.value)
    starts = []
    for number in range(len(own)):
        at = text.own[line + number] if line + number < len(text.own) else len(text.text)
        here = text.text[at : at + indent]
        starts.append(at + (indent if here.isspace() and "\n" not in here else 0))
    return _Text(node.value, tuple(starts), " " * indent, own)


def _of_operation(content: dict[str, Any], key: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the field of a part of a JSON 6902 operation: of its value, the field that it sets."""
    if key != "value":
        return (*path, key)
    steps = [step.replace("~1", "/").replace("~0", "~") for step in str(content["path"]).split("/")[1:]]
    named: list[str] = []
    for step in steps:
        if (step.isdigit() or step == "-") and named:
            named[-1] += "[]"
        else:
            named.append(step)
    return tuple(named)


def _name(item: Node, path: tuple[str, ...]) -> str:
    """Return what tells an item of a list apart, where each is a field of its own."""
    if path and path[-1] in _NAMED_LISTS and isinstance(item, MappingNode):
        content = plain(item)
        if isinstance(content, dict):
            return str(content.get("name", ""))
    return ""


def _item_start(text: str, item: Node, *, flow: bool) -> int:
    start = int(item.start_mark.index)
    return start if flow else text.rindex("-", 0, start) if text[start - 1] != "-" else start - 1


def _indented(text: str, inside: _Text) -> str:
    return text.replace("\n", f"\n{inside.indent}") if inside.indent else text


def _line_starts(text: str) -> tuple[int, ...]:
    starts = tuple(accumulate((len(line) for line in text.splitlines(keepends=True)), initial=0))
    return starts if text.endswith("\n") or len(starts) == 1 else starts[:-1]


_ATTRIBUTE = re.compile(
    r"^(?P<lead>[ \t]*)(?P<key>[A-Za-z_][\w-]*)(?P<equals>[ \t]*=[ \t]*)"
    r'(?P<value>"(?:[^"\\$%\n]|\\.)*"|-?\d+(?:\.\d+)?|true|false)(?P<rest>[ \t]*(?:#.*)?)$',
    re.MULTILINE,
)
_HEADER = re.compile(
    r'^[ \t]*(?P<type>[A-Za-z_]\w*)(?P<labels>(?:[ \t]+"[^"\n]*")*)[ \t]*(?:=[ \t]*)?\{[ \t]*(?:#.*)?$'
)
_LIST = re.compile(
    r'^(?P<lead>[ \t]*)(?P<key>[A-Za-z_][\w-]*)[ \t]*=[ \t]*\[(?P<items>"[^\]\n]*")\][ \t]*(?:#.*)?$', re.MULTILINE
)
_ITEM = re.compile(r'"(?:[^"\\$%\n]|\\.)*"')


_FOR_PEOPLE = "description"
_NAMED_BLOCKS = ("variable", "output")
"""Blocks of which each name is a field of its own, but for what is said of it for people: that is one field of all."""


def terraform_leaves(file: str, text: str) -> Iterator[Leaf]:
    """Yield what a file of Terraform sets by literals on lines of their own; expressions are left aside."""
    starts = _line_starts(text)
    stack: list[str] = []
    for number, line in enumerate(text.splitlines()):
        at = starts[number]
        header = _HEADER.match(line)
        if header:
            labels = [each.strip('"') for each in _ITEM.findall(header["labels"])]
            stack.append(" ".join((header["type"], *labels[:1])))
            continue
        named = " ".join(("terraform", *stack))
        attribute = _ATTRIBUTE.match(line)
        if attribute:
            of_many = attribute["key"] == _FOR_PEOPLE and stack and stack[0].partition(" ")[0] in _NAMED_BLOCKS
            yield _of_attribute(file, at, attribute, f"terraform {stack[0].partition(' ')[0]}" if of_many else named)
        elif listed := _LIST.match(line):
            yield from _of_items(file, at, listed, named)
        for sign in re.sub(r'"(?:[^"\\]|\\.)*"|#.*', "", line):
            if sign in "{[(":
                stack.append("")
            elif sign in "}])" and stack:
                stack.pop()


def _of_attribute(file: str, at: int, found: re.Match[str], named: str) -> Leaf:
    written = found["value"]
    value: Scalar = (
        written[1:-1] if written[0] == '"' else written == "true" if written[0] in "tf" else _number(written)
    )
    whole = (at + found.start(), at + found.end())
    return Leaf(
        file,
        f"{named}.{found['key']}",
        found["key"],
        value,
        True,
        (at + found.start("value"), at + found.end("value")),
        (at + found.start("key"), at + found.end("key")),
        (*whole, ""),
        None,
        whole,
    )


def _of_items(file: str, at: int, found: re.Match[str], named: str) -> Iterator[Leaf]:
    first = at + found.start("items")
    items = list(_ITEM.finditer(found["items"]))
    for number, item in enumerate(items):
        span = (first + item.start(), first + item.end())
        following = first + items[number + 1].start() if number + 1 < len(items) else 0
        before = first + items[number - 1].end() if number else span[0]
        removal = (span[0], following, "") if following else (before, span[1], "")
        yield Leaf(
            file,
            f"{named}.{found['key']}[]",
            "",
            item[0][1:-1],
            True,
            span,
            None,
            removal,
            (span[1], f", {item[0]}"),
            (at + found.start(), at + found.end()),
        )


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)
