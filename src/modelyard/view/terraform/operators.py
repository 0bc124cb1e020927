"""Operators of Terraform's expressions, and the values that they take.

A value is text, a number, a bool, null (None), a list or an object, as far as it is known. Where Terraform would
convert it first, or count with more digits than are kept here, the result is not known rather than guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from modelyard.view.terraform.tokens import Unknown

PRECEDENCE = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"))
"""Binary operators, those that bind loosest first.

https://developer.hashicorp.com/terraform/language/expressions/operators
"""


class _Unknown:
    """Stands for an item that is not known in a list or object of which others are."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = _Unknown()


class UnknownIdentity(str):
    """Stands for a resource where an expression asks for what only AWS knows of it, such as its ARN."""

    __slots__ = ()


class Distinct(list[Any]):
    """A set, in the order in which Terraform goes through it."""


Operand = Callable[[Any, Mapping[str, Any]], Any]


def operated(sign: str, left: Operand, right: Operand) -> Operand:
    """Return the operation on two operands that are evaluated when it is.

    Args:
        sign: One of `PRECEDENCE`.
        left: The first.
        right: The second; of `&&` and `||` evaluated only where the first leaves it open.
    """
    if sign == "&&":
        return lambda scope, bound: flag(left(scope, bound)) and flag(right(scope, bound))
    if sign == "||":
        return lambda scope, bound: flag(left(scope, bound)) or flag(right(scope, bound))
    if sign in ("==", "!="):
        return lambda scope, bound: _equal(left(scope, bound), right(scope, bound)) == (sign == "==")
    operation = _COMPARISONS.get(sign)
    if operation is not None:
        return lambda scope, bound: operation(_number(left(scope, bound)), _number(right(scope, bound)))
    arithmetic = _ARITHMETIC[sign]
    return lambda scope, bound: arithmetic(whole(left(scope, bound)), whole(right(scope, bound)))


def negated(value: Any) -> int:
    """Return a whole number with its other sign; raises Unknown for any other value."""
    return _signed(-whole(value), value)


def flag(value: Any) -> bool:
    """Return a bool; raises Unknown for any other value."""
    if not isinstance(value, bool):
        raise Unknown
    return value


def whole(value: Any) -> int:
    """Return a whole number; raises Unknown for any other value."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unknown
    return value


def as_text(value: Any) -> str:
    """Return a value as Terraform writes it into a text.

    Raises:
        Unknown: It has no form as a text, or one with more digits than are known here.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, UnknownIdentity) or not isinstance(value, str | int):
        raise Unknown
    return str(value)


def kind(value: Any) -> type:
    """Return the type of a value, one for all numbers."""
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)


def _number(value: Any) -> int | float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Unknown
    return value


def _equal(first: Any, second: Any) -> bool:
    if first is None or second is None:
        if first is UNKNOWN or second is UNKNOWN:
            raise Unknown
        return first is second
    # Lists and objects are equal only where Terraform's types are, which are not known here; nor is an ARN's text.
    if any(isinstance(each, list | dict | UnknownIdentity) or each is UNKNOWN for each in (first, second)):
        raise Unknown
    return kind(first) is kind(second) and bool(first == second)


def _signed(result: int, *operands: int) -> int:
    """Return a result; raises Unknown for a zero that Terraform may write as -0."""
    if result == 0 and (len(operands) == 1 or min(operands) < 0):
        raise Unknown
    return result


def _divided(first: int, second: int) -> int:
    if second == 0 or first % second:
        raise Unknown
    return _signed(first // second, first, second)


def _rest(first: int, second: int) -> int:
    """Return the rest of a division, which has the sign of what is divided."""
    if second == 0:
        raise Unknown
    rest = abs(first) % abs(second)
    return _signed(-rest if first < 0 else rest, first, second)


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda first, second: first < second,
    "<=": lambda first, second: first <= second,
    ">": lambda first, second: first > second,
    ">=": lambda first, second: first >= second,
}
_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": lambda first, second: first + second,
    "-": lambda first, second: first - second,
    "*": lambda first, second: _signed(first * second, first, second),
    "/": _divided,
    "%": _rest,
}
