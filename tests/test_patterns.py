"""Every pattern takes a time that grows with the text: found by how it is built, not by a clock."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import modelyard
from modelyard.findings.later import Later

_MANY = 1000
_LETTERS = [chr(code) for code in range(128)] + ["\u00e9", "\u4e2d", "\u0663"]
ALL = frozenset(_LETTERS)

Nodes = Any


class Shape:
    """A pattern as its loops without an end, each with the letters that it may take.

    Two things make a search take the square of a text's length: a loop that many starts run through, for what stands
    before it may lie in the loop's own letters; and two loops that may share letters with nothing certain between.
    """

    def __init__(self, pattern: str, flags: int, *, anchored: bool) -> None:
        self._parser = re._parser
        self._constants = re._constants
        self._anchored = anchored
        self.flags = flags
        self.problems: list[str] = []
        nodes = list(self._parser.parse(pattern, flags))
        self._sequence(nodes, [])

    def _sequence(self, nodes: Nodes, before: list[Any], *, more: bool = False) -> None:
        """Judge each loop of a sequence; `before` is what was matched up to it, `more` whether something follows."""
        seen = list(before)
        for index, (kind, value) in enumerate(nodes):
            follows = more or any(self._may_fail(each) for each in nodes[index + 1 :])
            self._judge(kind, value, seen, follows)
            seen.append((kind, value))

    def _judge(self, kind: Any, value: Any, before: list[Any], follows: bool) -> None:
        name = str(kind)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            _, most, body = value
            if most >= _MANY:
                self._loop(body, before, follows, possessive=name == "POSSESSIVE_REPEAT")
            else:
                self._sequence(list(body), before, more=True)
        elif name == "SUBPATTERN":
            self._sequence(list(value[3]), before, more=follows)
        elif name == "ATOMIC_GROUP":
            self._sequence(list(value), before, more=follows)
        elif name == "BRANCH":
            for each in value[1]:
                self._sequence(list(each), before, more=follows)

    def _loop(self, body: Nodes, before: list[Any], follows: bool, *, possessive: bool) -> None:
        letters = self._all(body)
        inner = list(self._loops(body))
        if inner and not possessive and any(self._overlaps(body, each) for each in inner):
            self.problems.append("a loop in a loop")
        if not follows:
            return
        if not self._anchored and self._starts_inside(before, letters):
            self.problems.append("many starts run through one loop")
        for index, (kind, value) in enumerate(before):
            for other, possessive_other in self._outer_loops(kind, value):
                shared = other & letters
                between = before[index + 1 :]
                if shared and not possessive_other and self._inside(between, shared):
                    self.problems.append("two loops share letters")

    def _overlaps(self, body: Nodes, inner: frozenset[str]) -> bool:
        """Return whether a round of a loop may be made of an inner loop's letters alone, and so be cut anyhow."""
        return self._inside(list(body), inner)

    def _starts_inside(self, before: list[Any], letters: frozenset[str]) -> bool:
        for kind, value in before:
            name = str(kind)
            if name == "AT":
                at = str(value)
                of_lines = "\n" in letters and self.flags & re.MULTILINE
                if at.startswith("AT_BEGINNING") and not of_lines:
                    return False
                if at == "AT_BOUNDARY" and letters <= _WORD:
                    return False
            if name == "ASSERT_NOT" and value[0] == -1 and letters <= self._all(value[1]):
                return False
        return self._inside(before, letters)

    def _inside(self, nodes: Nodes, letters: frozenset[str]) -> bool:
        return all(self._node_inside(kind, value, letters) for kind, value in nodes)

    def _node_inside(self, kind: Any, value: Any, letters: frozenset[str]) -> bool:
        name = str(kind)
        if name in ("LITERAL", "NOT_LITERAL", "IN", "ANY", "CATEGORY"):
            return bool(self._letters(kind, value) & letters)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return value[0] == 0 or self._inside(list(value[2]), letters)
        if name == "SUBPATTERN":
            return self._inside(list(value[3]), letters)
        if name == "ATOMIC_GROUP":
            return self._inside(list(value), letters)
        if name == "BRANCH":
            return any(self._inside(list(each), letters) for each in value[1])
        return True

    def _may_fail(self, node: Any) -> bool:
        kind, value = node
        name = str(kind)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return bool(value[0]) and any(self._may_fail(each) for each in value[2])
        if name == "SUBPATTERN":
            return any(self._may_fail(each) for each in value[3])
        return True

    def _loops(self, body: Nodes) -> Iterator[frozenset[str]]:
        for kind, value in body:
            for letters, _ in self._outer_loops(kind, value):
                yield letters

    def _outer_loops(self, kind: Any, value: Any) -> Iterator[tuple[frozenset[str], bool]]:
        name = str(kind)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            if value[1] >= _MANY:
                yield self._all(value[2]), name == "POSSESSIVE_REPEAT"
            else:
                for each in value[2]:
                    yield from self._outer_loops(*each)
        elif name == "SUBPATTERN":
            for each in value[3]:
                yield from self._outer_loops(*each)
        elif name == "BRANCH":
            for branch in value[1]:
                for each in branch:
                    yield from self._outer_loops(*each)

    def _all(self, nodes: Nodes) -> frozenset[str]:
        found: frozenset[str] = frozenset()
        for kind, value in nodes:
            name = str(kind)
            if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
                found |= self._all(value[2])
            elif name == "SUBPATTERN":
                found |= self._all(value[3])
            elif name == "ATOMIC_GROUP":
                found |= self._all(value)
            elif name == "BRANCH":
                found |= frozenset().union(*(self._all(each) for each in value[1]))
            else:
                found |= self._letters(kind, value)
        return found

    def _letters(self, kind: Any, value: Any) -> frozenset[str]:
        name = str(kind)
        if name not in ("LITERAL", "NOT_LITERAL", "IN", "ANY", "CATEGORY"):
            return frozenset()
        key = (name, str(value), self.flags & (re.IGNORECASE | re.DOTALL | re.ASCII))
        if key not in _KNOWN:
            _KNOWN[key] = frozenset(each for each in _LETTERS if self._takes(name, value, each))
        return _KNOWN[key]

    def _takes(self, name: str, value: Any, letter: str) -> bool:
        code = ord(letter)
        if name == "ANY":
            return letter != "\n" or bool(self.flags & re.DOTALL)
        if name == "LITERAL":
            return self._same(code, value)
        if name == "NOT_LITERAL":
            return not self._same(code, value)
        if name == "CATEGORY":
            return _category(str(value), letter)
        items = [(str(kind), item) for kind, item in value]
        negated = bool(items) and items[0][0] == "NEGATE"
        inside = any(
            (kind == "LITERAL" and self._same(code, item))
            or (kind == "RANGE" and any(item[0] <= each <= item[1] for each in self._cases(code)))
            or (kind == "CATEGORY" and _category(str(item), letter))
            for kind, item in items
        )
        return inside != negated

    def _cases(self, code: int) -> set[int]:
        if not self.flags & re.IGNORECASE:
            return {code}
        return {ord(each) for each in (chr(code).lower(), chr(code).upper()) if len(each) == 1} | {code}

    def _same(self, code: int, other: int) -> bool:
        return other in self._cases(code)


_KNOWN: dict[Any, frozenset[str]] = {}


def _category(name: str, letter: str) -> bool:
    word = letter.isalnum() or letter == "_"
    kinds = {"DIGIT": letter.isdigit(), "SPACE": letter.isspace(), "WORD": word}
    for kind, holds in kinds.items():
        if name.endswith(f"NOT_{kind}"):
            return not holds
        if name.endswith(kind):
            return holds
    raise AssertionError(name)


_WORD = frozenset(each for each in _LETTERS if each.isalnum() or each == "_")


def problems(pattern: str, flags: int = 0, *, anchored: bool = False) -> list[str]:
    """Return why a pattern may take more than a time that grows with the text."""
    flags |= re.compile(pattern, flags).flags
    return sorted(set(Shape(pattern, flags, anchored=anchored).problems))


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r'"[^"\n]*?((?:\.\./)+[^"\n]*)"', "two loops share letters"),
        (r'([^"/]*\.ya?ml)"', "many starts run through one loop"),
        (r"\w*OutOfMemoryError.*x", "many starts run through one loop"),
        (r"(a+)+b", "a loop in a loop"),
        (r"(?:a|b+)*c", "a loop in a loop"),
        (r"x[\d,]+\d*y", "two loops share letters"),
        (r"a.*b.*c", "many starts run through one loop"),
        (r"\$\{[^}]*\}", "many starts run through one loop"),
        (r"\s+$", "many starts run through one loop"),
    ],
)
def test_what_is_not_linear_is_seen(pattern: str, why: str) -> None:
    assert why in problems(pattern)


@pytest.mark.parametrize(
    "pattern",
    [r'"[^"]*"', r"(?<![\d,])([\d,]++) GiB", r"\$\{[^{}]*\}", r"\b\w+=", r"a.*", r"-[a-z]{1,30}", r"^\S+ x"],
)
def test_what_is_linear_is_not(pattern: str) -> None:
    assert problems(pattern) == []


SOURCES = Path(modelyard.__file__).parent
_ANCHORED = ("match", "fullmatch")
_SEARCHING = ("search", "sub", "subn", "findall", "finditer", "split")
_APART = ("modelyard.rehearsal", "modelyard.reporting.pytest_plugin")
"""What reads only the output of processes of its own, and what pytest imports."""


def _modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages([str(SOURCES)], "modelyard."):
        if not found.name.startswith(_APART) and not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def _patterns() -> Iterator[tuple[str, str, int, bool]]:
    """Yield where each pattern stands, the pattern, its flags, and whether it is only matched from its start."""
    for module in _modules():
        source = Path(str(module.__file__)).read_text()
        where = module.__name__.removeprefix("modelyard.")
        for name, value in vars(module).items():
            for pattern in _within(value):
                uses = re.findall(rf"\b{re.escape(name)}\.(\w+)\(", source)
                anchored = bool(uses) and not set(uses) & set(_SEARCHING)
                text = pattern.pattern
                text = text if isinstance(text, str) else text.decode("latin-1")
                yield f"{where} {name}", text, pattern.flags, anchored
        for node in ast.walk(ast.parse(source)) if "re." in source else ():
            written = _written(node)
            if written is not None:
                yield f"{where} {written}", written, 0, node.func.attr in _ANCHORED  # type: ignore[attr-defined]


def _written(node: ast.AST) -> str | None:
    """Return the pattern of a call such as `re.sub("a", ...)`; what is compiled is found in its module."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
        return None
    of, first = node.func.value, node.args[0]
    if not isinstance(of, ast.Name) or of.id != "re" or node.func.attr in ("escape", "compile"):
        return None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _within(value: Any) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, Later):
        yield value.compiled
    elif isinstance(value, dict | tuple | list) and len(value) < 200:
        for each in value.values() if isinstance(value, dict) else value:
            yield from _within(each)


_FLAGS = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE | re.ASCII


def _found() -> dict[str, list[str]]:
    found = {}
    for where, pattern, flags, anchored in _patterns():
        why = problems(pattern, flags & _FLAGS, anchored=anchored)
        if why:
            found[where] = why
    return found


ONE_NAME = "it looks at one name or number, whose parts begin with a letter that no other part has"
ALLOWED = {
    "checking.showing _AFTER_KEY": "a line is cut to some thousand letters before",
    "view.application_sets _ACTION": "a way ends at the next two braces",
    "graph.extractors.scaling _IN_CLUSTER": ONE_NAME,
    "view.engines.protocol _VERSION": ONE_NAME,
    "view.validation.checks _PORT_NAME": "its text has 15 letters at most",
    "rules.scheduling.missing_node_image.rule _RELEASES": ONE_NAME,
    r"view.terraform.blocks ((?:module\.[^.\[]+(?:\[[^\]]*\])?\.)*)": ONE_NAME,
    "view.terraform.completing _MODULE": "it looks at the address of one module",
    "view.terraform.plans _ADDRESS": ONE_NAME,
    "view.times.answer _IDLE": "it begins at the text's start and behind commas, which no way runs through",
    "diffing.secrets _STEP": "a way ends at the next bracket",
    "editing.served NAME": ONE_NAME,
    "placement.instance_options _SCHEME": ONE_NAME,
    "policies.loading _ID": ONE_NAME,
    "rendering.chart_values _WORDS": "a way over capitals ends in a word at the latest one letter before its end",
    "repository.json _STRING": "the text is JSON by then, in which each string ends",
    "rules.argocd.unread_template_syntax.rule _PLAIN": ONE_NAME,
    "rules.registry _ID": ONE_NAME,
    r'rules.serving.unreadable_triton_model.rule "(?<!\\")(?:[^"\\]|\\.)*+"': "a way starts at no quote inside another",
    "rules.serving.unreadable_triton_model.rule _WORD": "a way starts at no quote inside another, nor inside a word",
    "rules.storage.unknown_file_system.rule _FILE_SYSTEM": ONE_NAME,
    "rules.terraform.counted_without_index.rule _COUNTED": "none starts in comments and empty lines",
    "rules.terraform.malformed_arn.rule _TEXT": "a way starts at no quote inside another",
    "rules.workflow.untrusted_text_in_script.rule _UNTRUSTED": "a way ends at the next brace",
    "schemas.metadata _DNS_LABEL": ONE_NAME,
    "schemas.wording _ENTRY": "it looks at the messages of the schemas' own judge",
    "schemas.wording _QUOTED": "a way starts at no quote inside another",
    "sizing.device_parts _PROFILE": ONE_NAME,
    "sizing.device_parts _SHARE": ONE_NAME,
    "view.terraform.arguments _REFERENCE": "a way starts at no letter inside a name, and ends at the next bracket",
    "view.terraform.conditions _TEXTS": "a way starts at no quote inside another",
    "view.terraform.conditions _KEY": "each loop has a bound",
    "tooling.git _OVERRIDDEN": "it looks at one name of git's own configuration, whole",
    "tooling.executables _VERSION": "it looks at what a tool says of its version",
}
"""Patterns whose loops the test cannot tell apart, and why their time grows with the text all the same."""


def test_every_pattern_is_linear() -> None:
    found = _found()
    assert {where: why for where, why in found.items() if where not in ALLOWED} == {}
    assert [where for where in ALLOWED if where not in found] == [], "these are linear by how they are built"


if __name__ == "__main__":
    for name, why in _found().items():
        print(f"    {name!r}: {why}")
