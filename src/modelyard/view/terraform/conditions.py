"""Conditions of IAM documents as they are written: blocks of Terraform, and policies as JSON or as objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from modelyard.view.terraform.arguments import WrittenArgument, walked_arguments, written_blocks
from modelyard.view.terraform.lines import Lines

_TEXTS = re.compile(r'(?<!\\)"((?:[^"\\\n]|\\.)*+)"')
_MADE = re.compile(r'\[\s*for\s[^:"]{1,200}:\s*"((?:[^"\\\n]|\\.)*+)"\s*\]')
_BRACE = re.compile(r"[{}]")
_CONDITION = re.compile(r'"?\bCondition"?\s*[=:]\s*\{')
_OPERATOR = re.compile(r'"?([A-Za-z]{1,60}(?::[A-Za-z]{1,60})?)"?\s{0,60}[=:]\s{0,60}\{')
_KEY = re.compile(
    r'"([^"\n:]{1,100}:[^"\n]{0,200})"\s{0,60}[=:](?!:)\s{0,60}(\[[^\]]{0,2000}\]|"(?:[^"\\\n]|\\.){0,500}"|[^\n,}]{1,500})'
)


@dataclass(frozen=True, slots=True)
class WrittenCondition:
    """One key of a condition.

    Attributes:
        operator: The operator, as written; empty where it is not a text.
        key: The key, as written, with interpolations.
        values: The values that are texts, as written.
        lines: The lines of operator, key and values, from 1.
    """

    operator: str
    key: str
    values: tuple[str, ...]
    lines: tuple[int, int, int]


@lru_cache(maxsize=256)  # environments share their modules
def written_conditions(text: str) -> tuple[WrittenCondition, ...]:
    """Return the conditions of a file."""
    return (*_of_blocks(text), *_of_objects(text)) if "ondition" in text else ()


def _of_blocks(text: str) -> Iterator[WrittenCondition]:
    for block in written_blocks(text):
        if (block.kind, block.type) != ("data", "aws_iam_policy_document"):
            continue
        for path, each in walked_arguments(block.inner):
            if path[-1] == "condition" and each.inner is not None:
                named = {inner.name: inner for inner in each.inner}
                operator, key, values = (named.get(name) for name in ("test", "variable", "values"))
                yield WrittenCondition(
                    _only(operator),
                    _only(key),
                    _values(values) if values is not None else (),
                    ((operator or each).line, (key or each).line, (values or each).line),
                )


def _only(argument: WrittenArgument | None) -> str:
    found = _TEXTS.fullmatch(argument.expression) if argument is not None else None
    return found[1] if found else ""


def _values(argument: WrittenArgument) -> tuple[str, ...]:
    """Return the texts of a list; of a list that is made by `for`, the one that it is made of."""
    made = _MADE.fullmatch(argument.expression)
    return (made[1],) if made else tuple(_TEXTS.findall(argument.expression)) if _is_list(argument) else ()


def _is_list(argument: WrittenArgument) -> bool:
    return re.fullmatch(r'\[(?:\s|,|"(?:[^"\\\n]|\\.)*+"|#[^\n]*+)*+\]', argument.expression) is not None


def _of_objects(text: str) -> Iterator[WrittenCondition]:
    position, lines = 0, Lines(text)
    while (start := _CONDITION.search(text, position)) is not None:
        end = _closing(text, start.end())
        position = start.end()
        while (operator := _OPERATOR.search(text, position, end)) is not None:
            inner = _closing(text, operator.end())
            for key in _KEY.finditer(text, operator.end(), inner):
                values = key[2] if key[2].startswith(("[", '"')) else ""
                yield WrittenCondition(
                    operator[1],
                    key[1],
                    tuple(_TEXTS.findall(values)),
                    (lines.at(operator.start()), lines.at(key.start()), lines.at(key.start(2))),
                )
            position = inner
        position = end  # each letter is looked at once, whatever nobody closed


def _closing(text: str, position: int) -> int:
    """Return where a brace that is open at a position closes; braces of interpolations come in pairs."""
    depth = 1
    for brace in _BRACE.finditer(text, position):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.end()
    return len(text)
