"""What a module's variables accept: their types, and the conditions of their `validation` blocks.

A condition that uses what is not read here, or not known before Terraform runs, is not judged.
https://developer.hashicorp.com/terraform/language/validate
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.linear import UnreadablePattern, linear
from modelyard.repository import Files
from modelyard.view.terraform.operators import UNKNOWN, Distinct, as_text, flag
from modelyard.view.terraform.references import blocks_of, code_of
from modelyard.view.terraform.syntax import parsed, walked
from modelyard.view.terraform.tokens import Failed, Unknown, attributes, placed_attributes

_VALIDATION = re.compile(r"^[ \t]*validation[ \t]*\{", re.MULTILINE)
_BARE = re.compile(r"^(string|number|bool)$")
_LIST = re.compile(r"^(?:list|set|tuple)\(")
_MAP = re.compile(r"^(?:map|object)\(")


@dataclass(frozen=True)
class Refusal:
    """Why a variable does not take the value that it has.

    Attributes:
        name: The variable.
        reason: The reason; what Terraform prints, as far as it is known.
    """

    name: str
    reason: str


def refusals(files: Files, folder: str, given: Mapping[str, Any]) -> Iterator[Refusal]:
    """Yield what the root module's variables refuse of what an environment gives them.

    Args:
        files: The repository's files.
        folder: The root module.
        given: The variables that the environment sets.
    """
    declared = dict(_variables(files, folder))
    defaults = {name: dict(attributes(body)).get("default") for name, body in declared.items()}
    scope = _Given(given, defaults)
    for name, body in declared.items():
        if name not in given:
            continue
        problem = _mistyped(given[name], dict(attributes(body)).get("type", ""))
        if problem:
            yield Refusal(name, problem)
            continue
        for condition, message in _validations(body):
            try:
                if not flag(parsed(condition)(scope, {})):
                    yield Refusal(name, _said(message, scope))
                    break
            except Unknown:
                continue


def _variables(files: Files, folder: str) -> Iterator[tuple[str, str]]:
    for name in files.under(folder):
        path = f"{folder}/{name}"
        if name.endswith(".tf") and files.is_file(path):
            text = files.text(path)
            for (kind, first, _), body, _ in blocks_of(text, code_of(text)):
                if kind == "variable":
                    yield first, body


def _validations(body: str) -> Iterator[tuple[str, str]]:
    code = code_of(body)
    for match in _VALIDATION.finditer(code):
        end, depth = match.end(), 1
        while depth and end < len(code):
            depth += {"{": 1, "}": -1}.get(code[end], 0)
            end += 1
        inner = {name: value for name, value, _ in placed_attributes(body[match.end() : end - 1])}
        if "condition" in inner:
            yield inner["condition"], inner.get("error_message", "")


def _said(message: str, scope: _Given) -> str:
    try:
        return as_text(parsed(message)(scope, {})).rstrip(".")
    except Unknown:
        return "its validation does not accept the value"


def _mistyped(value: Any, type_: str) -> str:
    """Return what is wrong with the type of a value; nothing for one that Terraform takes or converts."""
    if value is None or not type_:
        return ""
    bare = _BARE.match(type_)
    if bare is not None:
        if isinstance(value, list | dict):
            return f"it is {'a list' if isinstance(value, list) else 'an object'}; expected a {bare[1]}"
        if bare[1] == "bool" and not isinstance(value, bool) and value not in ("true", "false"):
            return f'it is "{value}"; expected true or false'
        if bare[1] == "number" and (isinstance(value, bool) or not _is_number(value)):
            return f'it is "{value}"; expected a number'
        return ""
    if _LIST.match(type_) and not isinstance(value, list):
        return f"it is {_shape(value)}; expected a list"
    if _MAP.match(type_) and not isinstance(value, dict):
        return f"it is {_shape(value)}; expected an object"
    return ""


def _shape(value: Any) -> str:
    return "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else f'"{value}"'


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


class _Given:
    """The variables of a root module, with the functions that conditions are made of."""

    def __init__(self, given: Mapping[str, Any], defaults: Mapping[str, str | None]) -> None:
        self._given = given
        self._defaults = defaults

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """Return functions whose arguments are evaluated when they are called."""
        return _FUNCTIONS

    def lookup(self, root: str, steps: tuple[Any, ...], bound: Mapping[str, Any], /) -> Any:
        """Return a variable, or a name that `for` binds.

        Raises:
            Unknown: It is neither.
        """
        if root in bound:
            return _below(bound[root], steps)
        if root != "var" or not steps:
            raise Unknown
        name = str(steps[0])
        if name in self._given:
            return _below(self._given[name], steps[1:])
        default = self._defaults.get(name)
        if default is None:
            raise Unknown
        return _below(parsed(default)(self, {}), steps[1:])


def _below(value: Any, steps: tuple[Any, ...]) -> Any:
    for step in steps:
        if isinstance(value, dict) and step not in value:
            raise Unknown  # an attribute with a default of its own
        value = walked(value, (step,))
    return value


def _can(value: Callable[[], Any]) -> bool:
    try:
        value()
    except Failed:
        return False
    return True


def _try(*values: Callable[[], Any]) -> Any:
    for value in values:
        try:
            return value()
        except Failed:
            continue
    raise Failed


def _regex(pattern: Callable[[], Any], text: Callable[[], Any]) -> Any:
    """Return what is not known further, where a text matches; raises Failed where it does not."""
    written, said = as_text(pattern()), as_text(text())
    body = written[1:] if written.startswith("^") else f"[\\s\\S]*{written}"
    anchored = body.endswith("$") and not body.endswith("\\$")
    if "|" in re.sub(r"\\.|\[[^\[\]]*+\]|\([^()]*+\)", "", body):
        raise Unknown  # an anchor of one alternative alone
    try:
        matches = linear(body[:-1] if anchored else f"{body}[\\s\\S]*").fullmatch(said)
    except UnreadablePattern:
        raise Unknown from None
    if not matches:
        raise Failed
    return UNKNOWN


def _cidr(value: Callable[[], Any]) -> str:
    written = as_text(value())
    if "/" not in written:
        raise Failed
    try:
        return str(ipaddress.IPv4Network(written, strict=False).netmask)
    except ValueError:
        raise Failed from None


def _numbered(value: Callable[[], Any]) -> int | float:
    said = value()
    if isinstance(said, int | float) and not isinstance(said, bool):
        return said
    try:
        number = float(as_text(said))
    except ValueError:
        raise Failed from None
    return int(number) if number.is_integer() else number


def _sure(value: Any) -> list[Any]:
    if not isinstance(value, list) or any(each is UNKNOWN for each in value):
        raise Unknown
    return value


def _every(value: Callable[[], Any]) -> bool:
    items = value()
    if not isinstance(items, list):
        raise Unknown
    if any(each is False for each in items):
        return False
    return all(flag(each) for each in items)


def _some(value: Callable[[], Any]) -> bool:
    items = value()
    if not isinstance(items, list):
        raise Unknown
    return any(each is True for each in items) or any(flag(each) for each in items)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "alltrue": _every,
    "anytrue": _some,
    "can": _can,
    "cidrnetmask": _cidr,
    "contains": lambda items, item: item() in _sure(items()),
    "endswith": lambda text, end: as_text(text()).endswith(as_text(end())),
    "regex": _regex,
    "setintersection": lambda first, *rest: Distinct(
        each for each in _sure(first()) if all(each in _sure(other()) for other in rest)
    ),
    "setsubtract": lambda first, second: Distinct(each for each in _sure(first()) if each not in _sure(second())),
    "split": lambda between, text: as_text(text()).split(as_text(between())),
    "startswith": lambda text, start: as_text(text()).startswith(as_text(start())),
    "tonumber": _numbered,
    "try": _try,
}
"""Functions of conditions; others are those of names and policies, or not known."""
