"""Edits of YAML text that leave every byte alone which they do not mean; see docs/adr/0180-edits-are-spliced.md.

The parser's marks say where a value stands; what is new is written by ruamel.yaml in the project's layout.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelyard.findings import At, UserError
from modelyard.repository.yaml import (
    MappingNode,
    Node,
    NotOneMapping,
    ScalarNode,
    SequenceNode,
    child,
    documents,
    nodes,
    place_of,
    plain,
)

Step = str | int
Path = Sequence[Step]

_PLAIN_FLOW = re.compile(r"[A-Za-z0-9_./+-][A-Za-z0-9_./=:;+@-]*")
_NOT_TEXT = re.compile(r"[-+.0-9_]+([eE][-+]?[0-9]+)?|0[xob].*|true|false|null|yes|no|on|off|y|n|~|.*:", re.IGNORECASE)


class Text:
    """One YAML document as text.

    Args:
        path: The file's name, for messages.
        text: Its content.

    Raises:
        MalformedYAML: It is no YAML.
        UserError: It holds several documents, or no mapping.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self._ending = "\r\n" if "\r\n" in text else "\n"
        self._mark = "\ufeff" if text.startswith("\ufeff") else ""
        self._lines: list[str] = []
        self._read(text.removeprefix("\ufeff").replace("\r\n", "\n"))

    def _read(self, text: str) -> None:
        roots = list(nodes(self.path, text))
        if len(roots) != 1 or not isinstance(roots[0], MappingNode):
            raise NotOneMapping(self.path, fix="edit it by hand")
        documents(self.path, text)  # refuses what `nodes` lets pass, such as a key that stands twice
        self.root: Node = roots[0]
        self._lines = text.split("\n")

    def __str__(self) -> str:
        return self._mark + "\n".join(self._lines).replace("\n", self._ending)

    @property
    def value(self) -> Any:
        """The plain value of the document."""
        return plain(self.root)

    def node(self, path: Path) -> Node | None:
        """Return the node at a path, None where there is none."""
        node: Node | None = self.root
        for step in path:
            node = child(node, step) if node is not None else None
        return node

    def get(self, path: Path) -> Any:
        """Return the plain value at a path, None where there is none."""
        node = self.node(path)
        return None if node is None else plain(node)

    def items(self, path: Path) -> list[Any]:
        """Return the items of the list at a path, none where it is missing or empty.

        Raises:
            UserError: The value there is not a list.
        """
        node = self.node(path)
        items = None if node is None else plain(node)
        if items is None:
            return []
        if not isinstance(items, list):
            raise self._unexpected(node, "a list")
        return items

    def set_scalar(self, path: Path, value: str | int | float | bool) -> None:
        """Replace a single value, quotes kept where there were some; a key that is missing is added.

        Raises:
            UserError: What stands there, or above it, is no single value.
        """
        node = self.node(path)
        if node is None:
            self.add_key(path[:-1], str(path[-1]), [scalar(value)])
            return
        if not isinstance(node, ScalarNode) or node.style in ("|", ">"):
            raise self._unexpected(node, "a single value")
        if plain(node) == value and isinstance(plain(node), type(value)):
            return
        written = scalar(value)
        if node.style in ("'", '"') and isinstance(value, str):
            written = quoted(value, node.style)
        start, end = node.start_mark, node.end_mark
        if start.line != end.line:
            raise self._unexpected(node, "a value on one line")
        line = self._lines[start.line]
        lead = line[: start.column]
        if lead and not lead.endswith(" "):
            lead += " "  # a key without a value
        self._replace(start.line, start.line + 1, [lead + written + line[end.column :]])

    def set_block(self, path: Path, text: str) -> None:
        """Replace the text of a literal block (`|-`).

        Raises:
            UserError: There is no literal block.
        """
        node = self.node(path)
        if not isinstance(node, ScalarNode) or node.style != "|":
            raise self._unexpected(node, "a block of text (`|-`)")
        first, last = node.start_mark.line + 1, self._last_line(node)
        shown = next((line for line in self._lines[first : last + 1] if line.strip()), "")
        indent = " " * (len(shown) - len(shown.lstrip(" ")))
        self._replace(first, last + 1, [f"{indent}{line}".rstrip() for line in text.rstrip("\n").split("\n")])

    def insert_item(self, path: Path, at: int, lines: Sequence[str]) -> None:
        """Insert an item before position `at` of a list; a list that is missing or empty is made.

        Args:
            path: The list.
            at: Position of the new item.
            lines: The item as YAML without its dash, one string a line.
        """
        node = self.node(path)
        if node is None or (isinstance(node, ScalarNode) and not node.value) or _empty(node):
            if node is not None:
                self.remove_key(path)
            self.add_key(path[:-1], str(path[-1]), [f"  {line}" for line in _item(lines)], block=True)
            return
        if not isinstance(node, SequenceNode):
            raise self._unexpected(node, "a list")
        if node.flow_style:
            self._unfold(node)
            node = self.node(path)
            assert isinstance(node, SequenceNode)  # noqa: S101 - just written
        indent = " " * self._dash(node.value[0])
        if at >= len(node.value):
            line = self._last_line(node.value[-1]) + 1
            # A comment of the list's own indentation after its last item heads what comes next.
            while line < len(self._lines) and self._lines[line].startswith(f"{indent}#"):
                line += 1
        else:
            line = self._first_line(node.value[at], indent)
        self._replace(line, line, [indent + each if each else "" for each in _item(lines)])

    def remove_item(self, path: Path, at: int, *, with_comment: bool = False) -> None:
        """Remove an item of a list, and the list's key with its last item.

        Args:
            path: The list.
            at: Position of the item.
            with_comment: Whether the comment lines above it go too.
        """
        node = self.node(path)
        if not isinstance(node, SequenceNode):
            raise self._unexpected(node, "a list")
        if len(node.value) == 1:
            self.remove_key(path)
            return
        if node.flow_style:
            self._unfold(node)
            self.remove_item(path, at, with_comment=with_comment)
            return
        item = node.value[at]
        indent = " " * self._dash(item)
        first = self._first_line(item, indent) if with_comment else self._dash_line(item)
        self._replace(first, self._last_line(item) + 1, [])

    def add_key(self, path: Path, key: str, lines: Sequence[str], *, block: bool = False) -> None:
        """Add a key at the end of a mapping.

        Args:
            path: The mapping.
            key: The key, which is not there yet.
            lines: Its value as YAML.
            block: Whether the value starts on a line of its own.
        """
        node = self.node(path)
        if not isinstance(node, MappingNode):
            raise self._unexpected(node, "a mapping")
        if node.flow_style and node.value:
            raise self._unexpected(node, "a mapping with one key a line")
        indent = " " * (node.value[0][0].start_mark.column if node.value else 0)
        last = self._last_line(node.value[-1][1]) if node.value else len(self._lines) - 1
        added = [f"{key}:", *lines] if block else [f"{key}: {lines[0]}", *lines[1:]]
        self._replace(last + 1, last + 1, [indent + line if line else "" for line in added])

    def remove_key(self, path: Path) -> None:
        """Remove a key of a mapping with its value; nothing happens where it is missing."""
        above, key = self.node(path[:-1]), str(path[-1])
        if not isinstance(above, MappingNode):
            return
        for name, value in above.value:
            if isinstance(name, ScalarNode) and name.value == key:
                if above.flow_style:
                    raise self._unexpected(above, "a mapping with one key a line")
                last = max(self._last_line(value), name.start_mark.line)
                self._replace(name.start_mark.line, last + 1, [])
                return

    def _replace(self, first: int, end: int, lines: Sequence[str]) -> None:
        kept = [*self._lines[:first], *lines, *self._lines[end:]]
        self._read("\n".join(kept) if kept and kept[-1] == "" else "\n".join([*kept, ""]))

    def _unfold(self, node: Node) -> None:
        """Write a list in brackets as one with an item a line."""
        start, end = node.start_mark, node.end_mark
        line = self._lines[start.line]
        tail = self._lines[end.line][end.column :].strip()
        indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
        items = [f"{indent}{each}" for each in fragment(plain(node))]
        if tail and not tail.startswith("#"):
            raise self._unexpected(node, "a list with one item a line")
        head = f"{line[: start.column].rstrip()}{f' {tail}' if tail else ''}"
        self._replace(start.line, end.line + 1, [head, *items])

    def _dash_line(self, item: Node) -> int:
        line: int = item.start_mark.line
        if "-" not in self._lines[line][: item.start_mark.column]:
            raise self._unexpected(item, "an item on the line of its dash")
        return line

    def _dash(self, item: Node) -> int:
        return self._lines[self._dash_line(item)].rindex("-", 0, item.start_mark.column)

    def _first_line(self, item: Node, indent: str) -> int:
        line = self._dash_line(item)
        while line > 0 and self._lines[line - 1].startswith(f"{indent}#"):
            line -= 1
        return line

    def _last_line(self, node: Node) -> int:
        """Return the last line with text of a value; the parser's own end lies after blank lines and comments."""
        if isinstance(node, ScalarNode):
            last: int = node.end_mark.line
            if node.style in ("|", ">"):
                last -= node.end_mark.column == 0
                while last > node.start_mark.line and not self._lines[last].strip():
                    last -= 1
            return last
        if not isinstance(node, MappingNode | SequenceNode) or node.flow_style or not node.value:
            return int(node.end_mark.line)
        end = node.value[-1]
        if isinstance(end, tuple):
            return max(self._last_line(end[1]), int(end[0].end_mark.line))
        return self._last_line(end)

    def _unexpected(self, node: Node | None, expected: str) -> UserError:
        at = None if node is None else At(place_of(self.path, node, "\n".join(self._lines)))
        return UserError(
            f"{self.path} is written in a way that cannot be edited: {expected} was expected",
            fix="edit it by hand",
            at=at,
        )


def edited(path: str, text: str, *changes: Callable[[Text], None]) -> str:
    """Return a file's text after changes, which see each other's effect."""
    document = Text(path, text)
    for change in changes:
        change(document)
    return str(document)


def fragment(value: Any) -> list[str]:
    """Return a value as lines of YAML in the project's layout."""
    from ruamel.yaml import YAML

    writer = YAML()
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.width = 4096
    out = io.StringIO()
    writer.dump(_literal(value), out)
    lines = out.getvalue().rstrip("\n").split("\n")
    # ruamel indents a list at the top too.
    return [line[2:] for line in lines] if isinstance(value, list) else lines


def _literal(value: Any) -> Any:
    """Return a value with texts of several lines as literal blocks."""
    from ruamel.yaml.scalarstring import LiteralScalarString

    if isinstance(value, Mapping):
        return {key: _literal(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_literal(each) for each in value]
    return LiteralScalarString(value) if isinstance(value, str) and "\n" in value else value


def scalar(value: str | int | float | bool) -> str:
    """Return a single value as YAML that is read back as it is, inside braces too."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    return value if _PLAIN_FLOW.fullmatch(value) and not _NOT_TEXT.fullmatch(value) else quoted(value, '"')


def quoted(value: str, style: str) -> str:
    """Return a text in quotes."""
    import json

    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return (
        json.dumps(value, ensure_ascii=False)
        .replace("\x7f", "\\x7f")
        .replace("\x85", "\\x85")
        .replace("\ufeff", "\\ufeff")
    )


def _item(lines: Sequence[str]) -> list[str]:
    """Return the lines of a list's item with its dash before the first line that is no comment."""
    first = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return [*lines[:first], f"- {lines[first]}", *(f"  {line}" if line else "" for line in lines[first + 1 :])]


def _empty(node: Node) -> bool:
    return isinstance(node, SequenceNode) and not node.value
