"""The part of Terraform's expressions that names, ARNs and policies are written in: parsed to functions of a scope.

What is outside of that part, or not known before Terraform runs, raises Unknown when it is evaluated, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol

from modelyard.cluster.terraform.tokens import Token, Unknown, tokens


class _Unknown:
    """Stands for an item that is not known in a list or object of which others are."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = _Unknown()


class Identity(str):
    """Stands for a resource where an expression asks for what only AWS knows of it, such as its ARN."""

    __slots__ = ()


class Scope(Protocol):
    """Where names are looked up."""

    def lookup(self, root: str, steps: tuple[Any, ...], bound: Mapping[str, Any], /) -> Any:
        """Return what a reference stands for.

        Raises:
            Unknown: It is not known.
        """


Expression = Callable[[Scope, Mapping[str, Any]], Any]
"""A parsed expression: of a scope, and of the names that `for` and `for_each` bind."""


@lru_cache(maxsize=4096)
def parsed(source: str) -> Expression:
    """Return an expression.

    Raises:
        Unknown: It is written in a way that is not read here.
    """
    parser = _Parser(list(tokens(source)))
    found = parser.expression()
    if parser.position != len(parser.tokens):
        raise Unknown
    return found


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0

    def peek(self, ahead: int = 0) -> str:
        at = self.position + ahead
        return self.tokens[at].text if at < len(self.tokens) else ""

    def take(self, *expected: str) -> Token:
        if self.position >= len(self.tokens) or (expected and self.peek() not in expected):
            raise Unknown
        self.position += 1
        return self.tokens[self.position - 1]

    def expression(self) -> Expression:
        """Return a condition with its two outcomes, or what such a one is made of."""
        condition = self._compared()
        if self.peek() != "?":
            return condition
        self.take("?")
        then = self.expression()
        self.take(":")
        other = self.expression()
        return lambda scope, bound: (then if _flag(condition(scope, bound)) else other)(scope, bound)

    def _compared(self) -> Expression:
        left = self._unary()
        while self.peek() in ("==", "!=", "&&", "||"):
            sign, right = self.take().text, self._unary()
            left = _operated(sign, left, right)
        return left

    def _unary(self) -> Expression:
        if self.peek() == "!":
            self.take()
            inner = self._unary()
            return lambda scope, bound: not _flag(inner(scope, bound))
        return self._value()

    def _value(self) -> Expression:
        token = self.take()
        if token.kind == "text":
            return self._indexed(_text(token.parts))
        if token.kind == "number":
            number = float(token.text) if "." in token.text else int(token.text)
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
                if token.kind not in ("name", "number"):
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
        return lambda scope, bound: {str(key(scope, bound)): _or_unknown(each, scope, bound) for key, each in items}

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
                kept = [each for each in kept if _flag(condition(scope, each))]
            if closing == "]":
                return [_or_unknown(value, scope, each) for each in kept]
            return {str(first(scope, each)): _or_unknown(value, scope, each) for each in kept}

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
    below = len(said) == 3 and said[0] == "" and isinstance(said[1], Identity) and said[2].startswith(("/", ":"))
    if any(isinstance(each, Identity) for each in said) and not below:
        raise Unknown
    if any(not isinstance(each, str | int | float) for each in said):
        raise Unknown
    return "".join(str(each).lower() if isinstance(each, bool) else str(each) for each in said)


def _operated(sign: str, left: Expression, right: Expression) -> Expression:
    def run(scope: Scope, bound: Mapping[str, Any]) -> bool:
        first = left(scope, bound)
        if sign == "&&":
            return _flag(first) and _flag(right(scope, bound))
        if sign == "||":
            return _flag(first) or _flag(right(scope, bound))
        return bool((first == right(scope, bound)) == (sign == "=="))

    return run


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unknown
    return value


def _or_unknown(expression: Expression, scope: Scope, bound: Mapping[str, Any]) -> Any:
    try:
        return expression(scope, bound)
    except Unknown:
        return UNKNOWN


def _rows(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, list):
        return list(enumerate(value))
    raise Unknown


def _merged(*values: Any) -> dict[str, Any]:
    if not all(isinstance(each, dict) for each in values):
        raise Unknown
    return {key: value for each in values for key, value in each.items()}


def _unique(value: Any) -> list[Any]:
    return [each for index, each in enumerate(_items(value)) if each not in value[:index]]


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list) or UNKNOWN in value:
        raise Unknown
    return value


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "concat": lambda *lists: [item for each in lists for item in _items(each)],
    "distinct": _unique,
    "join": lambda between, items: str(between).join(str(each) for each in _items(items)),
    "keys": lambda value: sorted(_merged(value)),
    "lower": lambda value: str(value).lower(),
    "merge": _merged,
    "sort": lambda value: sorted(str(each) for each in _items(value)),
    "toset": _unique,
    "tostring": str,
}
"""The functions that names and policies are mostly made by; a call of any other is not known."""
