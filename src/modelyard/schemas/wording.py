"""What kubeconform's JSON Schema validator says, as problems with a path and words of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from modelyard.rendering import Path, SchemaProblem, written
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.schemas.conversion import Schema
from modelyard.wording import join_or, nearest

_ENTRY = re.compile(r"(?:^|\s)( *)- at '((?:[^'\\]|\\.)*)': ")
_QUOTED = re.compile(r"'(?<!\\')((?:[^'\\]|\\.)*)'")
_GROUP = re.compile(r"^(?:validation failed|'(allOf|anyOf|oneOf|not)' failed(.*))$", re.DOTALL)
_BOUND = re.compile(
    r"^(minimum|maximum|exclusiveMinimum|exclusiveMaximum|minItems|maxItems|minLength|maxLength|minProperties|"
    r"maxProperties|multipleOf): got (\S+), want (\S+)$"
)
_TYPE_NAMES = {
    "integer": "an integer",
    "object": "a mapping",
    "array": "a list",
    "null": "null",
    "boolean": "a boolean",
}
_LIMITS = {
    "minimum": "is {got}, at least {want} is needed",
    "maximum": "is {got}, at most {want} is allowed",
    "exclusiveMinimum": "is {got}, more than {want} is needed",
    "exclusiveMaximum": "is {got}, less than {want} is needed",
    "minItems": "has {got} items, at least {want} are needed",
    "maxItems": "has {got} items, at most {want} are allowed",
    "minLength": "has {got} characters, at least {want} are needed",
    "maxLength": "has {got} characters, at most {want} are allowed",
    "minProperties": "has {got} fields, at least {want} are needed",
    "maxProperties": "has {got} fields, at most {want} are allowed",
    "multipleOf": "is {got}, not a multiple of {want}",
}
_QUANTITY_START = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|"


@dataclass(slots=True)
class _Entry:
    depth: int
    path: Path
    text: str
    below: list[_Entry] = field(default_factory=list)


def problems(message: str, resource: Any, schema: Callable[[], Schema]) -> list[SchemaProblem]:
    """Return the problems that one message of kubeconform is made of, in the order of their paths.

    Args:
        message: The `msg` of an invalid resource: a tree of places and complaints on one line.
        resource: The resource, from which keys with slashes and positions in lists are recognised.
        schema: Returns the schema that it was held against, for what a field could have been called.
    """
    found: dict[tuple[str, str], SchemaProblem] = {}
    for entry in _leaves(_tree(message, resource)):
        if _is_secret(entry.path, resource):
            # Every other wording may quote the value.
            place = written(entry.path)
            found[place, ""] = SchemaProblem(place, f"{place} is not what a Secret holds: a string, in data as base64")
            continue
        for path, text in _worded(entry, resource, schema):
            problem = SchemaProblem(written(path), text)
            found.setdefault((problem.path, problem.message), problem)
    return sorted(found.values(), key=lambda problem: (problem.path, problem.message))


def suggestion(name: str, known: list[str]) -> str:
    """Return `; did you mean X` for a name that is close to a known one, else nothing."""
    same = next((each for each in known if each.lower() == name.lower()), "")
    near = same or nearest(name, known, cutoff=0.75)
    return f"; did you mean {near}" if near else ""


def _is_secret(path: Path, resource: Any) -> bool:
    return len(path) > 1 and path[0] in {"data", "stringData"} and resource.get("kind") == "Secret"


def _tree(message: str, resource: Any) -> list[_Entry]:
    matches = list(_ENTRY.finditer(message))
    roots: list[_Entry] = []
    stack: list[_Entry] = []
    for index, match in enumerate(matches):
        end = matches[index + 1].start() if index + 1 < len(matches) else len(message)
        pointer = _unquoted(match[2])
        entry = _Entry(len(match[1]) // 2, _path(pointer, resource), message[match.end() : end].strip())
        while stack and stack[-1].depth >= entry.depth:
            stack.pop()
        (stack[-1].below if stack else roots).append(entry)
        stack.append(entry)
    return roots


def _leaves(entries: list[_Entry]) -> Iterator[_Entry]:
    for entry in entries:
        group = _GROUP.match(entry.text)
        if group is not None and entry.below and group[1] in {None, "allOf"}:
            yield from _leaves(entry.below)
        else:
            yield entry


def _worded(entry: _Entry, resource: Any, schema: Callable[[], Schema]) -> Iterator[tuple[Path, str]]:
    text, path = entry.text, entry.path
    names = [_unquoted(each) for each in _QUOTED.findall(text)]
    where = written(path) or "the resource"
    if text.startswith("additional properties "):
        known = sorted(_properties(schema(), path))
        for name in names:
            yield (*path, name), f"{where} has no field {name}{suggestion(name, known)}"
    elif text.startswith(("missing property ", "missing properties ")):
        for name in names:
            yield (*path, name), f"{where} lacks {name}"
    elif text.startswith("got "):
        got, _, want = text.removeprefix("got ").partition(", want ")
        wanted = " or ".join(_type_name(each) for each in want.split(" or ") if each != "null")
        yield path, f"{where} is {_type_name(got)}, {wanted} is expected{_unquote_hint(got, want, path, resource)}"
    elif text.startswith(("value must be one of ", "value must be ")):
        allowed = [name for name in names if name] or [text.removeprefix("value must be ")]
        value = _value(resource, path)
        told = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else (value or "empty")
        hint = suggestion(value, allowed) if isinstance(value, str) else ""
        yield path, f"{where} is {told[:100]}, allowed is {_either(allowed)}{hint}"
    elif " does not match pattern " in text:
        value = str(_value(resource, path))[:100]
        pattern = str(_at(schema(), path).get("pattern", ""))
        if pattern.startswith(_QUANTITY_START):
            yield path, f"{where} is {value}, which is not a quantity such as 500m, 2 or 10Gi"
        else:
            yield (
                path,
                f"{where} is {value or 'empty'}, which does not match {pattern or text.rpartition('pattern ')[2]}",
            )
    elif (bound := _BOUND.match(text)) is not None:
        yield path, f"{where} {_LIMITS[bound[1]].format(got=bound[2], want=bound[3])}"
    elif (group := _GROUP.match(text)) is not None and group[1]:
        yield path, f"{where} {_alternatives(group[1], group[2], entry, _at(schema(), path))}"
    elif text.startswith("items at "):
        yield path, f"{where} has equal items where each may stand once ({text})"
    else:
        yield path, f"{where}: {text}"


def _alternatives(keyword: str, rest: str, entry: _Entry, schema: Schema) -> str:
    """Say what a combination of schemas wants, where that is which fields are set."""
    options = schema.get(keyword)
    if keyword in {"oneOf", "anyOf"} and isinstance(options, list):
        sets = [tuple(each.get("required", ())) for each in options]
        if all(sets):
            fields = [" and ".join(each) for each in sets]
            if keyword == "anyOf":
                return f"needs at least one of {', '.join(fields)}"
            many = "matched" in rest and "none" not in rest
            return f"needs exactly one of {', '.join(fields)}" + (", more than one is set" if many else "")
    below = "; ".join(each.text for each in _leaves(entry.below))
    wanted = {"not": "is what it must not be", "oneOf": "fits none or several of its alternatives"}
    return wanted.get(keyword, "fits none of its alternatives") + (f" ({below[:300]})" if below else "")


def _either(values: list[str]) -> str:
    return join_or(values, most=12)


def _type_name(name: str) -> str:
    return _TYPE_NAMES.get(name, f"a {name}")


def _unquote_hint(got: str, want: str, path: Path, resource: Any) -> str:
    value = _value(resource, path)
    if got == "string" and isinstance(value, str):
        if "integer" in want and re.fullmatch(r"-?\d+", value):
            return f"; write {value} without quotes"
        if "boolean" in want and value in {"true", "false"}:
            return f"; write {value} without quotes"
    if got in {"number", "boolean", "integer"} and want.split(" or ")[-1] == "string":
        return f'; write "{str(value).lower() if isinstance(value, bool) else value}" in quotes'
    return ""


def _unquoted(text: str) -> str:
    try:
        return str(parsed('"' + text.replace("\\'", "'").replace('"', '\\"') + '"'))
    except MalformedJSON:
        return text


def _path(pointer: str, resource: Any) -> Path:
    steps: list[str | int] = []
    value = resource
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isdigit():
            steps.append(int(name))
            value = value[int(name)] if int(name) < len(value) else None
        else:
            steps.append(name)
            value = value.get(name) if isinstance(value, dict) else None
    return tuple(steps)


def _value(resource: Any, path: Path) -> Any:
    for step in path:
        try:
            resource = resource[step]
        except (KeyError, IndexError, TypeError):
            return None
    return resource


def _at(schema: Schema, path: Path) -> Schema:
    """Return the schema of a place, empty where it cannot be told."""
    root = schema
    for step in path:
        schema = _resolved(root, schema)
        below: Any
        if isinstance(step, int):
            below = schema.get("items")
        else:
            below = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
        if not isinstance(below, dict):
            return {}
        schema = below
    return _resolved(root, schema)


def _properties(schema: Schema, path: Path) -> set[str]:
    return set(_at(schema, path).get("properties", ()))


def _resolved(root: Schema, schema: Schema) -> Schema:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target: Schema = root.get("definitions", {}).get(reference.removeprefix("#/definitions/"), {})
        return target
    return schema
