"""Resources and data sources as they are written, also those that make nothing in this environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from modelyard.view.terraform.lines import Lines
from modelyard.view.terraform.references import code_of

_HEAD = re.compile(r'^(resource|data)[ \t]+"(\w+)"[ \t]+"([\w-]+)"[ \t]*\{', re.MULTILINE)
_OWN_HEAD = re.compile(r'^(variable|output)[ \t]+"([\w-]+)"[ \t]*\{', re.MULTILINE)
_ATTRIBUTE = re.compile(r"\s*([A-Za-z_][\w-]*)[ \t]*=(?![=>])")
_BLOCK = re.compile(r'([A-Za-z_][\w-]*+)((?:[ \t]++"[^"\n]*+")*+)[ \t]*+\{')
_MOST_DEPTH = 50
"""Blocks in blocks that are read; resources of AWS nest some five deep."""
_SIGN = re.compile(r"[\n(){}\[\]]")
_LABEL = re.compile(r'"([^"\n]*)"')
_REFERENCE = re.compile(
    r"(?<![\w.-])(data\.)?(aws_[a-z0-9_]+)\.[A-Za-z_][\w-]*((?:\[[^\[\]\n]*\])?(?:\.[a-z_]\w*(?:\[[^\[\]\n]*\])?)++)(?!\s*\()"
)


@dataclass(frozen=True, slots=True)
class WrittenArgument:
    """An attribute or a nested block.

    Attributes:
        name: Its name; of a dynamic block that of what it makes.
        line: Its first line, from 1.
        expression: What an attribute is set to, as written; empty for a block.
        inner: What a block sets; None for an attribute.
    """

    name: str
    line: int
    expression: str = ""
    inner: tuple[WrittenArgument, ...] | None = None


@dataclass(frozen=True, slots=True)
class WrittenBlock:
    """A resource or a data source; or a block of Terraform's own language.

    Attributes:
        kind: `resource` or `data`; `variable` or `output`.
        type: Its type; empty for a block of the language.
        name: Its name.
        line: Its first line, from 1.
        inner: What it sets.
    """

    kind: str
    type: str
    name: str
    line: int
    inner: tuple[WrittenArgument, ...]


@dataclass(frozen=True, slots=True)
class ReadAttribute:
    """What an expression reads of a resource or a data source of AWS.

    Attributes:
        kind: `resource` or `data`.
        type: Its type.
        path: The attributes from the outside in, without indices.
        line: Its line, from 1.
    """

    kind: str
    type: str
    path: tuple[str, ...]
    line: int


@lru_cache(maxsize=256)  # environments share their modules
def written_blocks(text: str) -> tuple[WrittenBlock, ...]:
    """Return the resources and data sources of a file."""
    reader = _Reader(text)
    found, done = [], 0
    for head in _HEAD.finditer(text):
        if head.start() < done or reader.code[head.start()] == " ":
            continue  # in the block before, which nobody closed; or in a comment or a text
        inner, done = reader.inside(head.end())
        found.append(WrittenBlock(head[1], head[2], head[3], reader.lines.at(head.start()), tuple(inner)))
    return tuple(found)


@lru_cache(maxsize=256)
def language_blocks(text: str) -> tuple[WrittenBlock, ...]:
    """Return the variables and outputs of a file."""
    reader = _Reader(text)
    found, done = [], 0
    for head in _OWN_HEAD.finditer(text):
        if head.start() < done or reader.code[head.start()] == " ":
            continue
        inner, done = reader.inside(head.end())
        found.append(WrittenBlock(head[1], "", head[2], reader.lines.at(head.start()), tuple(inner)))
    return tuple(found)


@lru_cache(maxsize=256)
def read_attributes(text: str) -> tuple[ReadAttribute, ...]:
    """Return what the expressions of a file read."""
    reader = _Reader(text)
    return tuple(
        ReadAttribute(
            "data" if match[1] else "resource",
            match[2],
            tuple(re.findall(r"\.([a-z_]\w*)", re.sub(r"\[[^\[\]]*\]", "", match[3]))),
            reader.lines.at(match.start()),
        )
        for match in _REFERENCE.finditer(reader.code)
    )


_SETTING = re.compile(r'^[ \t]*(\w+)[ \t]*=[ \t]*"([^"\n]*)"', re.MULTILINE)


@lru_cache(maxsize=256)
def expressions_of(text: str, name: str) -> tuple[tuple[int, str], ...]:
    """Return the texts that an attribute of any block is set to, with their lines; comments are passed over."""
    lines = Lines(text)
    return tuple((lines.at(found.start(1)), found[2]) for found in _SETTING.finditer(text) if found[1] == name)


class _Reader:
    """A text that is read once from its beginning to its end, whatever nobody closed in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.code = code_of(text)
        self.lines = Lines(text)

    def inside(self, position: int, depth: int = 0) -> tuple[list[WrittenArgument], int]:
        """Return what a block sets that begins at a position, and where it has ended."""
        code = self.code
        found: list[WrittenArgument] = []
        while position < len(code):
            if code[position] == "}":
                return found, position + 1
            if code[position].isspace() or code[position] in ",;":
                position += 1
                continue
            line = self.lines.at(position)
            if (match := _ATTRIBUTE.match(code, position)) is not None:
                end = _end(code, match.end())
                found.append(WrittenArgument(match[1], line, self.text[match.end() : end].strip()))
                position = end
            elif depth < _MOST_DEPTH and (match := _BLOCK.match(self.text, position)) is not None:
                inner, position = self.inside(match.end(), depth + 1)
                found.append(_nested(match[1], _LABEL.findall(match[2]), line, tuple(inner)))
            else:
                end = code.find("\n", position)
                position = len(code) if end < 0 else end
        return found, position


def _nested(name: str, labels: list[str], line: int, inner: tuple[WrittenArgument, ...]) -> WrittenArgument:
    if name != "dynamic" or len(labels) != 1:
        return WrittenArgument(name, line, inner=inner)
    content = next((each.inner for each in inner if each.name == "content"), None)
    return WrittenArgument(labels[0], line, inner=content or ())


def _end(code: str, position: int) -> int:
    """Return where an expression has ended: at the end of a line, or of the block, outside of brackets."""
    depth = 0
    for found in _SIGN.finditer(code, position):
        sign = found[0]
        if depth == 0 and sign in "\n}":
            return found.start()
        depth += (sign in "([{") - (sign in ")]}")
    return len(code)


def walked_arguments(
    inner: tuple[WrittenArgument, ...], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], WrittenArgument]]:
    """Yield what a block sets with its path, what nested blocks set after them."""
    for each in inner:
        yield (*path, each.name), each
        if each.inner is not None:
            yield from walked_arguments(each.inner, (*path, each.name))
