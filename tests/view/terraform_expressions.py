"""Expressions of Terraform made from a seed, and what `terraform console` says to them."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

BINARY = ("||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%")
LEAVES = (
    "true",
    "false",
    "null",
    "0",
    "1",
    "2",
    "7",
    "12",
    '"a"',
    '"b"',
    '"1"',
    '"true"',
    '"${1 + 1}x"',
    "[]",
    '["a"]',
)
CALLS = ('lower("A")', 'join("-", ["b", true, 3])', "keys({ b = 1, a = 2 })[0]", 'sort(["b", "a"])[0]')
COMPREHENSIONS = (
    "[for key, value in { b = 1, a = 2 } : key][0]",
    '[for value in toset(["b", "a", "b"]) : value][1]',
    "[for index, value in [4, 5] : value if index > 0][0]",
    '{ for value in ["x", "y"] : value => upper(value) }["x"]',
)
KINDS = ("bool", "number", "text")
LEAVES_OF = {
    "bool": ("true", "false"),
    "number": ("0", "1", "2", "3", "7", "12", "1.5", "[for index, value in [4, 5] : value if index > 0][0]"),
    "text": ('"a"', '"1"', '"true"', *CALLS, *COMPREHENSIONS[:2]),
}
ERROR = "refused"


def expressions(seed: int, count: int) -> Iterator[str]:
    """Yield expressions: two of three with fitting operands and as few brackets as may be, the others with any."""
    source = random.Random(seed)  # noqa: S311 - a seed, not a secret
    for index in range(count):
        yield _any(source, source.randint(1, 3)) if index % 3 == 0 else _fitting(source, 4, source.choice(KINDS))[0]


def _any(source: random.Random, depth: int) -> str:
    if depth == 0:
        return source.choice(LEAVES if source.random() < 0.85 else CALLS + COMPREHENSIONS)
    words = [_any(source, source.randint(0, depth - 1))]
    for _ in range(source.randint(1, 3)):
        words += [source.choice(BINARY), _any(source, source.randint(0, depth - 1))]
    return " ".join(words)


def _fitting(source: random.Random, depth: int, kind: str) -> tuple[str, int]:
    """Return an expression of a kind, and how tightly its outermost operator binds."""
    if depth == 0 or source.random() < 0.1:
        return source.choice(LEAVES_OF[kind]), 8
    if source.random() < 0.1:
        flag, then, other = (_inside(source, depth, each, 1) for each in ("bool", kind, source.choice((kind, "text"))))
        return f"{flag} ? {then} : {other}", 0
    if kind == "bool":
        if source.random() < 0.1:
            return f"!{_inside(source, depth, 'bool', 7)}", 7
        level = source.choice((1, 2, 3, 4))
        of = {1: "bool", 2: "bool", 3: source.choice(KINDS), 4: "number"}[level]
        sign = source.choice({1: ("||",), 2: ("&&",), 3: ("==", "!="), 4: ("<", "<=", ">", ">=")}[level])
    elif kind == "number":
        if source.random() < 0.1:
            return f"-{_inside(source, depth, 'number', 8)}", 7
        level, of = source.choice(((5, "number"), (6, "number")))
        sign = source.choice(("+", "-") if level == 5 else ("*", "/", "%"))
    else:
        return f'"${{{_fitting(source, depth - 1, source.choice(KINDS))[0]}}}-x"', 8
    # Operators of one level are joined from the left, so that only the right one needs brackets there.
    return f"{_inside(source, depth, of, level)} {sign} {_inside(source, depth, of, level + 1)}", level


def _inside(source: random.Random, depth: int, kind: str, level: int) -> str:
    text, own = _fitting(source, depth - 1, kind)
    return f"({text})" if own < level or source.random() < 0.05 else text


def by_console(terraform: str, folder: Path, sources: Sequence[str]) -> list[Any]:
    """Return the value of each expression, or `ERROR` where Terraform refuses it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    values: list[Any] = []
    # The console prints the last line's value alone, and reads lines of at most 64 KiB.
    for chunk in _chunks(sources):
        asked = ", ".join(f'try(jsonencode([{source}]), "{ERROR}")' for source in chunk)
        done = subprocess.run(
            [terraform, "console"],
            input=f"jsonencode([{asked}])\n",
            cwd=folder,
            env=kept | {"CHECKPOINT_DISABLE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        said = json.loads(json.loads(done.stdout))
        values += [value if value == ERROR else json.loads(value)[0] for value in said]
    assert len(values) == len(sources)
    return values


def _chunks(sources: Sequence[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    for source in sources:
        if sum(len(each) + 36 for each in (*chunk, source)) > 40_000:
            yield chunk
            chunk = []
        chunk.append(source)
    yield chunk
