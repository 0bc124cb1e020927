"""Whether a value holds to a JSON Schema, as far as the schemas of this project's own files use the language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.rules.wording import near_words

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_IN_WORDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


@dataclass(frozen=True)
class Problem:
    """What a schema says against a value.

    Attributes:
        path: Where, from the top of the file.
        found: What stands there, for a sentence.
        expected: What should, for a sentence.
        known: Names of which one may be meant; empty where it is no matter of names.
    """

    path: tuple[str | int, ...]
    found: str
    expected: str
    known: tuple[str, ...] = ()


def problems(value: Any, schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what a schema says against a value; words of the language that are not known here say nothing."""
    yield from _problems(value, schema, schema.get("$defs", {}), ())


def _problems(
    value: Any, schema: Mapping[str, Any], named: Mapping[str, Any], path: tuple[str | int, ...]
) -> Iterator[Problem]:
    if "$ref" in schema:
        schema = named.get(str(schema["$ref"]).rpartition("/")[2], {})
    if "anyOf" in schema:
        tried = [list(_problems(value, each, named, path)) for each in schema["anyOf"]]
        if all(tried):
            yield from min(tried, key=lambda found: (all(each.path == path for each in found), len(found)))
        return
    wanted = schema.get("type")
    if isinstance(wanted, str) and not _is_of(value, wanted):
        yield Problem(path, f"is {_shown(value)}", _IN_WORDS.get(wanted, wanted))
        return
    choices = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if choices is not None and value not in choices:
        yield Problem(path, f"is {_shown(value)}", "one of those", tuple(map(str, choices)))
    elif isinstance(value, str) and "pattern" in schema and re.search(schema["pattern"], value) is None:
        yield Problem(path, f"is {_shown(value)}", f"a text like {schema['pattern']}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _of_number(value, schema, path)
    elif isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield Problem(path, f"has {len(value)} items", f"{schema['minItems']} or more")
        for index, item in enumerate(value):
            yield from _problems(item, schema.get("items", {}), named, (*path, index))
    elif isinstance(value, dict):
        yield from _of_mapping(value, schema, named, path)


def _of_number(value: float, schema: Mapping[str, Any], path: tuple[str | int, ...]) -> Iterator[Problem]:
    least, most, above = schema.get("minimum"), schema.get("maximum"), schema.get("exclusiveMinimum")
    if least is not None and value < least:
        yield Problem(path, f"is {value}", f"{least} or more")
    if most is not None and value > most:
        yield Problem(path, f"is {value}", f"{most} or less")
    if above is not None and value <= above:
        yield Problem(path, f"is {value}", f"more than {above}")


def _of_mapping(
    value: Mapping[str, Any], schema: Mapping[str, Any], named: Mapping[str, Any], path: tuple[str | int, ...]
) -> Iterator[Problem]:
    known = schema.get("properties", {})
    unknown = (
        [] if schema.get("additionalProperties", True) is not False else [each for each in value if each not in known]
    )
    for name in schema.get("required", ()):
        if name not in value and not near_words(name, unknown):  # else it is told at the misspelt key
            yield Problem(path, f"has no {name}", name)
    others = schema.get("additionalProperties", True)
    for name, each in value.items():
        if name in known:
            yield from _problems(each, known[name], named, (*path, name))
        elif others is False:
            yield Problem((*path, name), "is not known", "another key", tuple(known))
        elif isinstance(others, dict):
            yield from _problems(each, others, named, (*path, name))


def _is_of(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return wanted == "boolean"
    return isinstance(value, _TYPES.get(wanted, (object,)))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else repr(value) if isinstance(value, str) else str(value)
