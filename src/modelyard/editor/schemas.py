"""JSON Schemas that files name in a comment (`# yaml-language-server: $schema=…`), asked by path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from modelyard.editor.cursor import ITEM, Step
from modelyard.findings import UserError
from modelyard.repository import Files, joined
from modelyard.repository.json import MalformedJSON, parsed

_NAMED = re.compile(r"^#\s{0,9}yaml-language-server:\s{0,9}\$schema=(\S{1,500})", re.MULTILINE)
_LOOKED_AT = 2_000
"""Characters at the beginning of a file in which the comment is looked for."""

Schema = Mapping[str, Any]


def schema_of(root: Path, path: str, text: str) -> Schema | None:
    """Return the schema that a file names; None where it names none of the repository.

    Args:
        root: The repository.
        path: The file.
        text: Its text.
    """
    named = schema_name(path, text)
    if not named:
        return None
    try:
        found = _loaded(Files(root).read(named))
    except UserError:
        return None
    return found if isinstance(found, dict) else None


def schema_name(path: str, text: str) -> str:
    """Return the path of the schema that a file names; empty where it names none of the repository."""
    found = _NAMED.search(text[:_LOOKED_AT])
    if found is None or "://" in found[1]:
        return ""
    return joined(path.rpartition("/")[0], found[1]) or ""


def at_path(schema: Schema, path: Sequence[Step]) -> list[Schema]:
    """Return what a schema says of the value at a path; several where it gives alternatives."""
    found = list(_alternatives(schema, schema))
    for step in path:
        found = [each for above in found for below in _below(above, step) for each in _alternatives(schema, below)]
    return found


def properties(schema: Schema, path: Sequence[Step]) -> dict[str, Schema]:
    """Return the keys that a mapping at a path may have, each with what is said of it."""
    made: dict[str, Schema] = {}
    for each in at_path(schema, path):
        made.update((key, value) for key, value in (each.get("properties") or {}).items() if isinstance(value, dict))
    return made


def values(schemas: Sequence[Schema]) -> list[Any]:
    """Return the values that are named for something: choices, both of a switch, the default."""
    found: list[Any] = []
    for each in schemas:
        found += each.get("enum") or each.get("examples") or []
        if "const" in each:
            found.append(each["const"])
        if each.get("type") == "boolean":
            found += [True, False]
        if "default" in each and not isinstance(each["default"], dict | list):
            found.append(each["default"])
    return [value for position, value in enumerate(found) if value not in found[:position]]


def _below(schema: Schema, step: Step) -> Iterator[Schema]:
    if step == ITEM:
        items = schema.get("items")
        if isinstance(items, dict):
            yield items
        return
    named = (schema.get("properties") or {}).get(step)
    if isinstance(named, dict):
        yield named
        return
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        yield others


def _alternatives(whole: Schema, schema: Schema, depth: int = 0) -> Iterator[Schema]:
    if depth > 8:
        return
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target: Any = whole
        for part in reference[2:].split("/"):
            target = target.get(part) if isinstance(target, dict) else None
        if isinstance(target, dict):
            yield from _alternatives(whole, target, depth + 1)
    yield schema
    for key in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(key) or ():
            if isinstance(each, dict):
                yield from _alternatives(whole, each, depth + 1)


@lru_cache(maxsize=64)
def _loaded(content: bytes) -> Any:
    try:
        return parsed(content)
    except MalformedJSON:
        return None
