"""A workflow against GitHub's grammar of workflows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.catalog import WORKFLOW, workflow_contexts, workflow_definition
from modelyard.rules.wording import both, either, nearest
from modelyard.view import mapping

Path = tuple[str | int, ...]

_EXPRESSION = re.compile(r"\$\{\{([^{}]*+)\}\}")
_QUOTED = re.compile(r"'[^']*'")
_ROOT = re.compile(r"(?<![\w.\]\)'-])(?<!\.\s)([A-Za-z_][\w-]*+)\s*+(\()?")
_LITERALS = frozenset({"true", "false", "null", "nan", "infinity"})
# https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#functions
_FUNCTIONS = frozenset({"case", "contains", "endswith", "format", "fromjson", "join", "startswith", "tojson"})
_STATUS = frozenset({"always", "cancelled", "failure", "success", "hashfiles"})
_BASIC = frozenset({"any", "boolean", "mapping", "null", "number", "sequence", "string"})
_WORDS = {"mapping": "a mapping", "sequence": "a list", "string": "a text", "number": "a number"}
_WORDS |= {"boolean": "true or false", "null": "nothing"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What GitHub refuses of a workflow.

    Attributes:
        path: Where it stands.
        is_key: Whether the key is meant.
        message: What it is.
        fix: What to write.
    """

    path: Path
    is_key: bool
    message: str
    fix: str


def faults(content: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what GitHub refuses of a workflow, by the structure alone."""
    yield from _judged(dict(content), WORKFLOW, (), frozenset())


def _judged(value: Any, name: str, path: Path, contexts: frozenset[str]) -> Iterator[Fault]:
    definition = _definition(name)
    contexts |= {_named(each) for each in definition.get("context", ())}
    if isinstance(value, str):
        is_condition = path[-1:] == ("if",) and "${{" not in value
        written = [value] if is_condition else _EXPRESSION.findall(value)
        if written:
            yield from _of_expressions(written, path, contexts)
            return
    if "one-of" in definition:
        yield from _of_choice(value, name, path, contexts)
    elif isinstance(value, dict) and "mapping" in definition:
        yield from _of_mapping(value, definition["mapping"] or {}, path, contexts)
    elif isinstance(value, list) and "sequence" in definition:
        item = (definition["sequence"] or {}).get("item-type", "any")
        for index, each in enumerate(value):
            yield from _judged(each, item, (*path, index), contexts)
    elif not _takes(value, definition):
        expected = _expected(name)
        yield Fault(path, False, f"{_where(path)} is {_shown(value)}, not {expected}", f"write {_nearest(value, name)}")


def _of_choice(value: Any, name: str, path: Path, contexts: frozenset[str]) -> Iterator[Fault]:
    """Judge a value by the alternative that it is most like; scalars by all of them."""
    choices = list(_flat(name))
    shape = "mapping" if isinstance(value, dict) else "sequence" if isinstance(value, list) else ""
    same = [each for each in choices if shape and shape in _definition(each)]
    if same:
        known = [(len(value.keys() & _properties(each)) if shape == "mapping" else 0, each) for each in same]
        best = max(known, key=lambda each: each[0])[1]
        yield from _judged(value, best, path, contexts)
    elif "any" not in choices and not any(_takes(value, _definition(each)) for each in choices):
        expected = _expected(name)
        yield Fault(path, False, f"{_where(path)} is {_shown(value)}, not {expected}", f"write {_nearest(value, name)}")


def _of_mapping(
    value: Mapping[Any, Any], definition: Mapping[str, Any], path: Path, contexts: frozenset[str]
) -> Iterator[Fault]:
    properties: Mapping[str, Any] = definition.get("properties", {})
    loose = definition.get("loose-value-type")
    if not properties and loose is None:
        return
    lacking = {
        key for key, each in properties.items() if isinstance(each, dict) and each.get("required") and key not in value
    }
    for key, each in value.items():
        known = properties.get(str(key))
        if known is not None or loose is not None:
            below = known.get("type", "any") if isinstance(known, dict) else known or loose
            yield from _judged(each, str(below), (*path, str(key)), contexts)
            continue
        near = nearest(str(key), lacking, cutoff=0.5) or nearest(str(key), properties.keys() - value.keys())
        lacking.discard(near)  # one mistake, one finding
        fix = f"write {near}" if near else f"remove it; {_where(path)} has {either(sorted(properties), most=8)}"
        yield Fault((*path, str(key)), True, f"{_where(path)} has no {key}", fix)
    if lacking:
        yield Fault(path, False, f"{_where(path)} does not set {both(sorted(lacking))}", f"set {both(sorted(lacking))}")


def _of_expressions(written: list[str], path: Path, contexts: frozenset[str]) -> Iterator[Fault]:
    for expression in written:
        for name, call in _ROOT.findall(_QUOTED.sub("''", expression)):
            lowered = name.lower()
            if call:
                if lowered not in _FUNCTIONS and lowered not in _STATUS:
                    near = nearest(lowered, _FUNCTIONS | _STATUS)
                    fix = f"write {near}" if near else "write a function of GitHub's expressions"
                    yield Fault(path, False, f"an expression of {_where(path)} calls {name}(), which is unknown", fix)
            elif lowered not in _LITERALS and lowered not in contexts:
                near = nearest(lowered, contexts)
                known = lowered in workflow_contexts()
                said = "is not available there" if known else "is not a context"
                fix = f"write {near}" if near and not known else f"use {either(sorted(contexts), most=12) or 'a text'}"
                yield Fault(path, False, f"an expression of {_where(path)} uses {name}, which {said}", fix)


def _takes(value: Any, definition: Mapping[str, Any]) -> bool:
    """Return whether a value is of a definition that is no choice; GitHub takes any scalar for a text."""
    if "any" in definition:
        return True
    if "allowed-values" in definition:
        allowed: list[Any] = definition["allowed-values"]
        return value in allowed
    if "null" in definition:
        return value is None
    if "boolean" in definition:
        return isinstance(value, bool)
    if "number" in definition:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if "string" in definition:
        if isinstance(value, dict | list):
            return False
        of_text = definition["string"] or {}
        constant = of_text.get("constant")
        if constant is not None:
            return bool(str(value) == constant)
        return not (of_text.get("require-non-empty") and value in (None, ""))
    if "mapping" in definition:
        return isinstance(value, dict)
    return isinstance(value, list) if "sequence" in definition else True


def _definition(name: str) -> Mapping[str, Any]:
    found = workflow_definition(name)
    return found if found is not None else {name: {}} if name in _BASIC else {"any": {}}


def _flat(name: str) -> Iterator[str]:
    """Yield the alternatives of a choice, those of its choices among them."""
    choices = _definition(name).get("one-of")
    if choices is None:
        yield name
    for each in choices or ():
        yield from _flat(each)


def _properties(name: str) -> set[str]:
    return set(mapping(_definition(name), "mapping", "properties"))


def _values(name: str) -> list[str]:
    found: list[str] = []
    for each in _flat(name):
        definition = _definition(each)
        found += definition.get("allowed-values", ())
        found += [constant] if (constant := (definition.get("string") or {}).get("constant")) else []
    return found


def _expected(name: str) -> str:
    values = _values(name)
    if values:
        return f"one of {either(sorted(values), most=8)}"
    kinds = [word for kind, word in _WORDS.items() if any(kind in _definition(each) for each in _flat(name))]
    return either(kinds) or "what GitHub takes there"


def _nearest(value: Any, name: str) -> str:
    return nearest(str(value), _values(name)) or _expected(name)


def _named(context: str) -> str:
    """Return the name of a context or of a function such as `always(0,0)`."""
    return context.partition("(")[0]


def _where(path: Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
    return text or "the workflow"


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None:
        return "empty"
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
