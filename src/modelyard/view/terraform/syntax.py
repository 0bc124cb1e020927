"""The part of Terraform's expressions that names, ARNs and policies are written in: parsed to functions of a scope.

What is outside of that part, or not known before Terraform runs, raises Unknown when it is evaluated, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, Protocol

from modelyard.view.terraform.operators import (
    PRECEDENCE,
    UNKNOWN,
    Distinct,
    UnknownIdentity,
    as_text,
    flag,
    kind,
    negated,
    operated,
)
from modelyard.view.terraform.tokens import Token, Unknown, tokens


class Scope(Protocol):
    """Where names are looked up."""

    def lookup(self, root: str, steps: tuple[Any, ...], bound: Mapping[str, Any], /) -> Any:
        """Return what a reference stands for.

        Raises:
            Unknown: It is not known.
        """


_MOST_DIGITS = 300
"""Python makes no number of some thousand digits, and no float beyond 308; neither stands in a configuration."""

Expression = Callable[[Scope, Mapping[str, Any]], Any]
"""A parsed expression: of a scope, and of the names that `for` and `for_each` bind."""


@lru_cache(maxsize=4096)
def parsed(source: str) -> Expression:
    """Return an expression.

    Raises:
        Unknown: It is written in a way that is not read here.
    """
    parser = _Parser(list(tokens(source)))
    try:
        found = parser.expression()
    except RecursionError:
        raise Unknown from None
    if parser.position != len(parser.tokens):
        raise Unknown

    def evaluated(scope: Scope, bound: Mapping[str, Any]) -> Any:
        try:
            return found(scope, bound)
        except RecursionError:  # some hundred operands in a row
            raise Unknown from None

    return evaluated


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0

    def peek(self, prestarted: int = 0) -> str:
        at = self.position + prestarted
        return self.tokens[at].text if at < len(self.tokens) else ""

    def take(self, *expected: str) -> Token:
        if self.position >= len(self.tokens) or (expected and self.peek() not in expected):
            raise Unknown
        self.position += 1
        return self.tokens[self.position - 1]

    def expression(self) -> Expression:
        """Return a condition with its two outcomes, or what such a one is made of."""
        condition = self._operation()
        if self.peek() != "?":
            return condition
        self.take("?")
        then = self.expression()
        self.take(":")
        other = self.expression()
        return lambda scope, bound: _chosen(flag(condition(scope, bound)), then, other, scope, bound)

    def _operation(self, level: int = 0) -> Expression:
        """Return operands of one level of precedence, joined from the left."""
        if level == len(PRECEDENCE):
            return self._unary()
        left = self._operation(level + 1)
        while self.peek() in PRECEDENCE[level]:
            sign = self.take().text
            left = operated(sign, left, self._operation(level + 1))
        return left

    def _unary(self) -> Expression:
        sign = self.peek()
        if sign not in ("!", "-"):
            return self._value()
        self.take()
        inner = self._unary()
        if sign == "-":
            return lambda scope, bound: negated(inner(scope, bound))
        return lambda scope, bound: not flag(inner(scope, bound))

    def _value(self) -> Expression:
        token = self.take()
        if token.kind == "text":
            return self._indexed(_text(token.parts))
        if token.kind == "number":
            if len(token.text) > _MOST_DIGITS:
                raise Unknown
            number = float(token.text) if "." in token.text else int(token.text)
            number = int(number) if number == int(number) else number
            return lambda scope, bound: number
        if token.text == "(":
            inner = self.expression()
            self.take(")")
            return self._indexed(inner)
        if token.text == "[":
            return self._indexed(self._list())
        if token.text == "{":
            return self._indexed(self._object())
        if token.kind != "name":
            raise Unknown
        if token.text in ("true", "false", "null"):
            constant = {"true": True, "false": False, "null": None}[token.text]
            return lambda scope, bound: constant
        if self.peek() == "(":
            return self._indexed(self._call(token.text))
        return self._reference(token.text)

    def _reference(self, root: str) -> Expression:
        steps = self._steps()

        def refer(scope: Scope, bound: Mapping[str, Any]) -> Any:
            return scope.lookup(root, tuple(each(scope, bound) if callable(each) else each for each in steps), bound)

        return refer

    def _steps(self) -> list[Any]:
        steps: list[Any] = []
        while self.peek() in (".", "["):
            if self.take().text == ".":
                token = self.take()
                if token.kind not in ("name", "number") or (token.kind == "number" and len(token.text) > _MOST_DIGITS):
                    raise Unknown
                steps.append(token.text if token.kind == "name" else int(token.text))
            else:
                steps.append(self.expression())
                self.take("]")
        return steps

    def _indexed(self, inner: Expression) -> Expression:
        steps = self._steps()
        if not steps:
            return inner
        return lambda scope, bound: walked(
            inner(scope, bound), tuple(each(scope, bound) if callable(each) else each for each in steps)
        )

    def _list(self) -> Expression:
        if self.peek() == "for":
            return self._comprehension("]")
        items = []
        while self.peek() != "]":
            items.append(self.expression())
            if self.peek() == ",":
                self.take()
        self.take("]")
        return lambda scope, bound: [_or_unknown(each, scope, bound) for each in items]

    def _object(self) -> Expression:
        if self.peek() == "for":
            return self._comprehension("}")
        items: list[tuple[Expression, Expression]] = []
        while self.peek() != "}":
            if self.position >= len(self.tokens):
                raise Unknown
            name = self.tokens[self.position]
            if name.kind == "name" and self.peek(1) in ("=", ":"):
                self.take()
                key = _text((name.text,))
            else:
                key = self._value()
            self.take("=", ":")
            items.append((key, self.expression()))
            if self.peek() == ",":
                self.take()
        self.take("}")
        return lambda scope, bound: {as_text(key(scope, bound)): _or_unknown(each, scope, bound) for key, each in items}

    def _comprehension(self, closing: str) -> Expression:
        self.take("for")
        names = [self.take().text]
        if self.peek() == ",":
            self.take()
            names.append(self.take().text)
        self.take("in")
        over = self.expression()
        self.take(":")
        first = self.expression()
        value = first
        if closing == "}":
            self.take("=>")
            value = self.expression()
            if self.peek() == "...":
                raise Unknown
        condition = None
        if self.peek() == "if":
            self.take()
            condition = self.expression()
        self.take(closing)

        def run(scope: Scope, bound: Mapping[str, Any]) -> Any:
            rows = [
                dict(zip(names[-len(row) :], row[-len(names) :], strict=False)) for row in _rows(over(scope, bound))
            ]
            kept = [{**bound, **row} for row in rows]
            if condition is not None:
                kept = [each for each in kept if flag(condition(scope, each))]
            if closing == "]":
                return [_or_unknown(value, scope, each) for each in kept]
            keys = [as_text(first(scope, each)) for each in kept]
            if len(set(keys)) < len(keys):
                raise Unknown  # Terraform refuses a key that comes twice
            return {key: _or_unknown(value, scope, each) for key, each in zip(keys, kept, strict=True)}

        return run

    def _call(self, name: str) -> Expression:
        self.take("(")
        arguments = []
        while self.peek() != ")":
            arguments.append(self.expression())
            if self.peek() in (",", "..."):
                name = "" if self.take().text == "..." else name  # spread arguments are not read
        self.take(")")

        def run(scope: Scope, bound: Mapping[str, Any]) -> Any:
            further = getattr(scope, "functions", {}).get(name)
            if further is not None:  # it decides itself what it evaluates, as `can` and `try` do
                return further(*(partial(each, scope, bound) for each in arguments))
            function = _FUNCTIONS.get(name)
            if function is None:
                raise Unknown
            return function(*(each(scope, bound) for each in arguments))

        return run


def walked(value: Any, steps: tuple[Any, ...]) -> Any:
    """Return what lies below a value.

    Raises:
        Unknown: There is nothing, or it is not known.
    """
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            raise Unknown from None
    if value is UNKNOWN:
        raise Unknown
    return value


def _text(parts: tuple[Any, ...]) -> Expression:
    pieces = [each if isinstance(each, str) else parsed(each[0]) for each in parts]
    if len(pieces) == 3 and pieces[0] == "" and pieces[2] == "" and callable(pieces[1]):
        return pieces[1]

    def run(scope: Scope, bound: Mapping[str, Any]) -> str:
        return _joined([each if isinstance(each, str) else each(scope, bound) for each in pieces])

    return run


def _joined(said: list[Any]) -> str:
    # Of a resource itself only what is below it can be named: an ARN with a path.
    below = len(said) == 3 and said[0] == "" and isinstance(said[1], UnknownIdentity) and said[2].startswith(("/", ":"))
    if any(isinstance(each, UnknownIdentity) for each in said) and not below:
        raise Unknown
    return "".join(str(each) if below else as_text(each) for each in said)


def _or_unknown(expression: Expression, scope: Scope, bound: Mapping[str, Any]) -> Any:
    try:
        return expression(scope, bound)
    except Unknown:
        return UNKNOWN


def _chosen(chosen: bool, then: Expression, other: Expression, scope: Scope, bound: Mapping[str, Any]) -> Any:
    """Return one outcome of a condition; both have one type, so that a number or a bool beside a text becomes text.

    Raises:
        Unknown: It is not known, or its type depends on an outcome that is not known.
    """
    taken, left = (then, other) if chosen else (other, then)
    value = taken(scope, bound)
    if not isinstance(value, int | float):
        return value
    beside = left(scope, bound)
    if beside is None or kind(beside) is kind(value):
        return value
    if isinstance(beside, str):
        return as_text(value)
    raise Unknown


def _rows(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return sorted(value.items())
    if isinstance(value, Distinct):
        return [(each, each) for each in value]
    if isinstance(value, list):
        return list(enumerate(value))
    raise Unknown


def _merged(*values: Any) -> dict[str, Any]:
    if not all(isinstance(each, dict) for each in values):
        raise Unknown
    return {key: value for each in values for key, value in each.items()}


def _unique(value: Any) -> list[Any]:
    items = _items(value)
    if not (all(isinstance(each, str) for each in items) or all(kind(each) is float for each in items)):
        raise Unknown
    return list(dict.fromkeys(items))


def _length(value: Any) -> int:
    if isinstance(value, UnknownIdentity) or not (
        isinstance(value, list | dict) or (isinstance(value, str) and value.isascii())
    ):
        raise Unknown
    return len(value)


def _set(value: Any) -> Distinct:
    return Distinct(sorted(_unique(value)))


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list) or UNKNOWN in value:
        raise Unknown
    return value


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "concat": lambda *lists: [item for each in lists for item in _items(each)],
    "distinct": _unique,
    "join": lambda between, items: as_text(between).join(as_text(each) for each in _items(items)),
    "length": _length,
    "keys": lambda value: sorted(_merged(value)),
    "lower": lambda value: as_text(value).lower(),
    "merge": _merged,
    "sort": lambda value: sorted(as_text(each) for each in _items(value)),
    "toset": _set,
    "tostring": lambda value: None if value is None else as_text(value),
}
"""The functions that names and policies are mostly made by; a call of any other is not known."""
