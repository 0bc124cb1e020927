"""Modules of a configuration as they are written: what each declares, what it refers to, and what it hands to others.

Terraform looks names up before it evaluates anything, so that text is enough: a name that nothing declares ends every
plan, whatever the values are. https://developer.hashicorp.com/terraform/language/expressions/references
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from modelyard.repository import Files, derived, joined
from modelyard.view.terraform.blocks import LineAddress
from modelyard.view.terraform.lines import Lines
from modelyard.view.terraform.tokens import attributes, placed_attributes

_WORD = re.compile(r"#|//|/\*|<<-?(\w++)[ \t\r]*+\n|\"|[{}]")
_IN_TEXT = re.compile(r"\\.|\$\$\{|%%\{|[$%]\{|\"", re.DOTALL)
_IN_HEREDOC = re.compile(r"\$\$\{|%%\{|[$%]\{")
_BRACE = re.compile(r"[{}]")
_HEAD = re.compile(
    r"^(variable|output|module|provider|resource|data|locals|terraform)\b[ \t]*+"
    r'(?:"([^"\n]++)"[ \t]*+)?(?:"([^"\n]++)"[ \t]*+)?\{',
    re.MULTILINE,
)
_REFERENCE = re.compile(r"(?<![\w.-])(var|local|module)\.([A-Za-z_][\w-]*)((?:\[[^\[\]\n]*+\])?\.([A-Za-z_][\w-]*))?")
_RESOURCE = re.compile(r"(?<![\w.-])(data\.)?([a-z][a-z0-9]*_[a-z0-9_]+)\.([A-Za-z_][\w-]*)")
_META = frozenset({"source", "version", "count", "for_each", "providers", "depends_on"})


@dataclass(frozen=True)
class Reference:
    """A name that an expression uses.

    Attributes:
        kind: `var`, `local`, `module`, `data` or `resource`.
        name: The name; of data sources and resources with their type.
        output: Of a module, the output that is asked for; empty for none.
        line: Line of its file, from 1.
        text: As it is written.
    """

    kind: str
    name: str
    output: str
    line: int
    text: str


@dataclass(frozen=True)
class Call:
    """A module that another one calls.

    Attributes:
        name: Its name there.
        folder: Its folder; empty for one that is not in the repository.
        arguments: What it is given, with the line of each.
        file: The file with the call.
        line: The call's first line.
        has_source: Whether it says where the module is.
    """

    name: str
    folder: str
    arguments: Mapping[str, int]
    file: str
    line: int
    has_source: bool = True


@dataclass
class Module:
    """What one folder declares.

    Attributes:
        folder: The folder.
        names: Declared names by kind, those of `Reference`.
        required: Variables without a default.
        outputs: Outputs.
        calls: Modules that it calls.
        references: What its expressions use, by file.
    """

    folder: str
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    required: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    calls: dict[str, Call] = field(default_factory=dict)
    references: dict[str, tuple[Reference, ...]] = field(default_factory=dict)

    def at(self, files: Files, file: str, line: int, text: str) -> LineAddress:
        """Return the address of a text in one of its lines."""
        return LineAddress(files, file, line, line, (text,))


@derived
def modules(files: Files, root: str) -> Mapping[str, Module]:
    """Return the root module and those that it calls in this repository, by folder.

    A folder that also holds Terraform in JSON, which is not read here, is left out.
    """
    found: dict[str, Module] = {}
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        if folder in found or not files.is_folder(folder):
            continue
        names = files.under(folder)
        if any(name.endswith(".tf.json") for name in names):
            continue
        module = found[folder] = Module(folder)
        for name in names:
            path = f"{folder}/{name}"
            if name.endswith(".tf") and files.is_file(path):
                _read(module, path, files.text(path))
        waiting.extend(each.folder for each in module.calls.values() if each.folder)
    return found


def _read(module: Module, file: str, text: str) -> None:
    blocks, module.references[file] = _parts(text)
    for (kind, first, second), body, line in blocks:
        if kind == "variable":
            module.names["var"].add(first)
            if "default" not in dict(attributes(body)):
                module.required.add(first)
        elif kind == "output":
            module.outputs.add(first)
        elif kind == "locals":
            module.names["local"].update(name for name, _ in attributes(body))
        elif kind in ("data", "resource"):
            module.names[kind].add(f"{first}.{second}")
        elif kind == "module":
            module.names["module"].add(first)
            module.calls[first] = _call(module.folder, first, body, file, line)


@lru_cache(maxsize=256)  # environments share their modules
def _parts(text: str) -> tuple[tuple[tuple[tuple[str, str, str], str, int], ...], tuple[Reference, ...]]:
    """Return the blocks of a file, as `blocks_of` has them, and what its expressions use."""
    code = code_of(text)
    return tuple(blocks_of(text, code)), _references(code)


def _call(folder: str, name: str, body: str, file: str, line: int) -> Call:
    start = body.find("{") + 1
    before = body.count("\n", 0, start)
    given = {
        key: line + before + at - 1
        for key, _, at in placed_attributes(body[start : body.rfind("}")])
        if key not in _META
    }
    written = dict(attributes(body)).get("source", "")
    source = written.strip('"')
    inside = joined(folder, source) if source.startswith(("./", "../")) else None
    return Call(name, inside or "", given, file, line, written.startswith('"'))


def blocks_of(text: str, code: str) -> Iterator[tuple[tuple[str, str, str], str, int]]:
    """Yield each block of a file: its kind and labels, its text, and its first line."""
    lines = Lines(text)
    for head in _HEAD.finditer(text):
        if code[head.start()] == " ":
            continue  # in a comment, or in a text
        end, depth = len(code), 1
        for brace in _BRACE.finditer(code, head.end()):
            depth += 1 if brace[0] == "{" else -1
            if not depth:
                end = brace.end()
                break
        yield (head[1], head[2] or "", head[3] or ""), text[head.start() : end], lines.at(head.start())


def _references(code: str) -> tuple[Reference, ...]:
    found: list[Reference] = []
    lines = Lines(code)
    for match in _REFERENCE.finditer(code):
        line = lines.at(match.start())
        found.append(Reference(match[1], match[2], match[4] or "" if match[1] == "module" else "", line, match[0]))
    for match in _RESOURCE.finditer(code):
        line = lines.at(match.start())
        kind = "data" if match[1] else "resource"
        found.append(Reference(kind, f"{match[2]}.{match[3]}", "", line, match[0]))
    return tuple(found)


@lru_cache(maxsize=256)
def code_of(text: str) -> str:
    """Return a file with blanks for comments and fixed texts, as long as before; what texts interpolate stays."""
    kept = list(text)

    def blank(start: int, end: int) -> None:
        for index in range(start, min(end, len(text))):
            if kept[index] != "\n":
                kept[index] = " "

    # What is open: `{` of code and of interpolations, `"` of a text, or the word that ends a heredoc.
    opened: list[str] = []
    position = 0
    while position < len(text):
        inside = opened[-1] if opened else "{"
        if inside in ("{", "${"):
            match = _WORD.search(text, position)
            if match is None:
                break
            position = match.end()
            sign = match[0]
            if sign in ("#", "//", "/*"):
                end = text.find("*/" if sign == "/*" else "\n", position)
                end = len(text) if end < 0 else end + (2 if sign == "/*" else 0)
                blank(match.start(), end)
                position = end
            elif match[1]:
                blank(match.start(), match.end())
                opened.append(match[1])
            elif sign == '"':
                blank(match.start(), match.end())
                opened.append('"')
            elif sign == "{":
                opened.append("{")
            elif opened and opened.pop() == "${":
                blank(match.start(), match.end())
            continue
        heredoc = inside != '"'
        stop = re.compile(rf"^[ \t]*{re.escape(inside)}[ \t]*$", re.MULTILINE) if heredoc else None
        match = (_IN_HEREDOC if heredoc else _IN_TEXT).search(text, position)
        closing = stop.search(text, position) if stop is not None else None
        if closing is not None and (match is None or closing.start() < match.start()):
            blank(position, closing.end())
            position = closing.end()
            opened.pop()
        elif match is None:
            blank(position, len(text))
            break
        else:
            blank(position, match.end())
            position = match.end()
            if match[0] in ("${", "%{"):
                opened.append("${")
            elif match[0] == '"':
                opened.pop()
    return "".join(kept)
