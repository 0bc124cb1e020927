"""The JSON Schema of a comparison, read from the dataclasses that it is written from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum, IntEnum
from inspect import getdoc
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from modelyard.diffing import model
from modelyard.diffing.json_v1 import VERSION
from modelyard.findings import Finding, NotChecked, Severity

SCHEMA_URL = "https://raw.githubusercontent.com/modelyard/modelyard/main/docs/reference/diff-v1.schema.json"

_TEXT = {"type": "string"}
_FINDING = {
    "type": "object",
    "description": "One finding of a check.",
    "properties": {
        "rule": _TEXT,
        "severity": {"enum": [each.name.lower() for each in Severity]},
        "application": _TEXT,
        "file": _TEXT,
        "line": {"type": ["integer", "null"]},
        "message": _TEXT,
        "fix": _TEXT,
    },
    "required": ["rule", "severity", "application", "file", "line", "message", "fix"],
}
_GAP = {
    "type": "object",
    "description": "Something that was not compared, and why.",
    "properties": {"subject": _TEXT, "reason": _TEXT, "fix": _TEXT},
    "required": ["subject", "reason", "fix"],
}
_PLAIN: Mapping[Any, dict[str, Any]] = {
    str: _TEXT,
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of what `modelyard diff --format json` writes."""
    definitions: dict[str, Any] = {"Finding": _FINDING, "NotCompared": _GAP}
    _defined(model.Comparison, definitions)
    whole = definitions.pop("Comparison")
    whole["properties"] = {"version": {"const": VERSION}, **whole["properties"]}
    whole["required"] = ["version", *whole["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_URL,
        "title": "What changes between two sides of a repository",
        **whole,
        "$defs": dict(sorted(definitions.items())),
    }


def _defined(kind: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return a reference to a dataclass, which is described once."""
    name = kind.__name__
    if name not in definitions:
        definitions[name] = {}  # a dataclass may name itself
        told, hints = _attributes(kind), get_type_hints(kind, vars(model))
        properties, required = {}, []
        for field in fields(kind):
            key = field.name.replace("_", "-")
            made = _shape(hints[field.name], definitions)
            properties[key] = {**made, "description": told[field.name]} if field.name in told else made
            if hints[field.name] is not Any:  # what a side does not have is left out
                required.append(key)
        summary = (getdoc(kind) or "").partition("\n")[0]
        definitions[name] = {
            "type": "object",
            "description": summary,
            "properties": properties,
            "required": required,
        }
    return {"$ref": f"#/$defs/{name}"}


def _shape(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if hint is Finding:
        return {"$ref": "#/$defs/Finding"}
    if hint is NotChecked:
        return {"$ref": "#/$defs/NotCompared"}
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    if isinstance(hint, type) and is_dataclass(hint):
        return _defined(hint, definitions)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [each.name.lower() if issubclass(hint, IntEnum) else each.value for each in hint]}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return {"anyOf": [_shape(each, definitions) for each in arguments]}
    if origin is dict:
        return {"type": "object", "additionalProperties": _shape(arguments[1], definitions)}
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return {"type": "array", "prefixItems": [_shape(each, definitions) for each in arguments]}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return {"type": "array", "items": _shape(arguments[0], definitions)}
    return {}


def _attributes(kind: type[Any]) -> dict[str, str]:
    """Return what a docstring says of each attribute."""
    _, _, listed = (getdoc(kind) or "").partition("Attributes:\n")
    found = re.findall(r"^    (\w+): (.+(?:\n        .+)*)", listed, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}
