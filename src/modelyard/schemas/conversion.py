"""JSON Schemas (draft 7) as strict as the API server, made of what Kubernetes and operators publish."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from modelyard.schemas.structure import manifest_kind

Schema = dict[str, Any]

_DRAFT = "http://json-schema.org/draft-07/schema#"
_DEFINITION = "#/definitions/"
_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

# What Kubernetes writes beside its own Quantity type in the definitions of operators.
_QUANTITY = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
_INTEGERS = {"int32": 2**31, "int64": 2**63}

# Formats that the API server checks and that mean the same to a JSON Schema validator.
_FORMATS = frozenset({"date", "date-time", "duration", "ipv4", "ipv6", "uuid"})

_BY_NAME = frozenset({"properties", "definitions"})
_SHARED_BYTES = 80  # a shorter part costs less than the reference to it

_COPIED = (
    *("enum", "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties"),
    *("minimum", "multipleOf", "pattern", "required", "type", "uniqueItems"),
)


class NativeSchemas:
    """The schemas of one Kubernetes version.

    Args:
        definitions: `native/<version>.json` of the bundle.
    """

    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self.names = {kind: name for name, each in definitions.items() if (kind := manifest_kind(each)) is not None}
        self._whole: dict[str, Schema] = {}

    def schema(self, api_version: str, kind: str) -> Schema:
        """Return the schema of one kind, complete in itself.

        Definitions are put in place of references; only one that contains itself is referred to.

        Raises:
            KeyError: This version of Kubernetes has no such kind.
        """
        schema = self._reachable(self._expanded(self.names[api_version, kind], ()))
        properties = {**schema["properties"], "apiVersion": {"enum": [api_version]}, "kind": {"enum": [kind]}}
        return {**schema, "properties": properties, "$schema": _DRAFT}

    def object_meta(self) -> Schema:
        """Return the schema of `metadata`."""
        return self._expanded(_OBJECT_META, ())

    def _expanded(self, name: str, above: tuple[str, ...]) -> Schema:
        if name in above:
            return {"$ref": _DEFINITION + name}
        if name not in self._whole:
            self._whole[name] = self._converted(name, self._definitions[name], (*above, name))
        return self._whole[name]

    def _converted(self, name: str, source: Schema, above: tuple[str, ...]) -> Schema:
        special = _special(name)
        if special is not None:
            return special
        reference = source.get("$ref")
        if reference is not None:
            return self._expanded(reference.removeprefix(_DEFINITION), above)
        schema: Schema = {key: source[key] for key in _COPIED if key in source}
        if "enum" in source:
            # To the server's decoder, an empty text is an absent field.
            schema["enum"] = list(dict.fromkeys([*source["enum"], ""]))
        if "items" in source:
            schema["items"] = self._converted("", source["items"], above)
        if "properties" in source:
            required = set(source.get("required", ()))
            schema["properties"] = {
                key: each if key in required else _or_null(each)
                for key, value in source["properties"].items()
                for each in [self._converted("", value, above)]
            }
            schema["additionalProperties"] = False
        elif isinstance(source.get("additionalProperties"), dict):
            schema["additionalProperties"] = _or_null(self._converted("", source["additionalProperties"], above))
        return _with_format(schema, source.get("format"))

    def _reachable(self, schema: Schema) -> Schema:
        """Return a schema with the definitions that it refers to, of which few kinds have any."""
        definitions: Schema = {}
        waiting = _references(schema)
        while waiting:
            name = waiting.pop()
            if name not in definitions:
                definitions[name] = self._converted(name, self._definitions[name], (name,))
                waiting |= _references(definitions[name])
        return {**schema, "definitions": definitions} if definitions else schema


def crd_schema(group: str, version: str, kind: str, structural: Schema, object_meta: Schema) -> Schema:
    """Return the schema of one version of a custom resource.

    Args:
        group: The resource's API group.
        version: The version within the group.
        kind: The resource's kind.
        structural: `openAPIV3Schema` of the version.
        object_meta: Schema of `metadata`, which definitions leave to the API server.
    """
    schema = _structural(structural)
    own_name = schema.get("properties", {}).get("metadata", {}).get("properties", {}).get("name", {})
    named = {**object_meta["properties"], "name": {**object_meta["properties"]["name"], **own_name}}
    schema["properties"] = {
        **schema.get("properties", {}),
        "apiVersion": {"enum": [f"{group}/{version}"]},
        "kind": {"enum": [kind]},
        "metadata": {**object_meta, "properties": named},
    }
    schema["required"] = sorted({*schema.get("required", ()), "apiVersion", "kind", "metadata"})
    return {**schema, "$schema": _DRAFT}


def _structural(source: Schema) -> Schema:
    schema = _constraints(source)
    properties = source.get("properties")
    open_ended = source.get("x-kubernetes-preserve-unknown-fields") is True
    if properties is not None:
        schema["properties"] = {name: _structural(each) for name, each in properties.items()}
    if source.get("x-kubernetes-embedded-resource") is True:
        schema["properties"] = {
            **{"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}},
            **schema.get("properties", {}),
        }
    more = source.get("additionalProperties")
    if isinstance(more, dict):
        schema["additionalProperties"] = _structural(more)
    elif source.get("type") == "object" and not open_ended and more is not True:
        schema["additionalProperties"] = False  # the API server drops what is not declared
    if isinstance(source.get("items"), dict):
        schema["items"] = _structural(source["items"])
    if source.get("x-kubernetes-list-type") == "set":
        schema["uniqueItems"] = True
    if source.get("x-kubernetes-int-or-string") is True:
        # The two alternatives that definitions spell out say the same and blur messages.
        schema = {
            key: value for key, value in schema.items() if key not in {"anyOf", "allOf"} or not _int_or_string(value)
        }
        schema["type"] = ["integer", "string"]
    # A null is refused, unless the field may be null or has a default in whose favour the null is dropped.
    return _or_null(schema) if source.get("nullable") is True or "default" in source else schema


def _constraints(source: Schema) -> Schema:
    """Return the keywords that constrain a value; in `allOf` and its like there is nothing else."""
    schema: Schema = {key: source[key] for key in _COPIED if key in source}
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if source.get(exclusive) is True and bound in schema:
            schema[exclusive] = schema.pop(bound)
    for keyword in ("allOf", "anyOf", "oneOf"):
        if keyword in source:
            schema[keyword] = [_junction(each) for each in source[keyword]]
    if "not" in source:
        schema["not"] = _junction(source["not"])
    return _with_format(schema, source.get("format"))


def _junction(source: Schema) -> Schema:
    schema = _constraints(source)
    if "properties" in source:
        schema["properties"] = {name: _junction(each) for name, each in source["properties"].items()}
    for keyword in ("items", "additionalProperties"):
        if isinstance(source.get(keyword), dict):
            schema[keyword] = _junction(source[keyword])
    return schema


def _int_or_string(alternatives: Any) -> bool:
    return all(set(each) <= {"type", "anyOf"} for each in alternatives if isinstance(each, dict))


def _special(name: str) -> Schema | None:
    if name == "io.k8s.apimachinery.pkg.api.resource.Quantity":
        return {"type": ["number", "string"], "pattern": _QUANTITY}
    if name == "io.k8s.apimachinery.pkg.util.intstr.IntOrString":
        return {"type": ["integer", "string"]}
    if name == "io.k8s.apimachinery.pkg.runtime.RawExtension":
        return {"type": "object"}
    return None


def _with_format(schema: Schema, name: str | None) -> Schema:
    if name == "int-or-string":
        return {**schema, "type": ["integer", "string"]}
    if name in _INTEGERS and schema.get("type") == "integer":
        limit = _INTEGERS[name]
        return {"minimum": -limit, "maximum": limit - 1, **schema}
    return {**schema, "format": name} if name in _FORMATS else schema


def _or_null(schema: Schema) -> Schema:
    changed = dict(schema)
    kind = schema.get("type")
    if isinstance(kind, str):
        changed["type"] = [kind, "null"]
    elif isinstance(kind, list) and "null" not in kind:
        changed["type"] = [*kind, "null"]
    if "enum" in schema and None not in schema["enum"]:
        changed["enum"] = [*schema["enum"], None]
    return changed


def shared(schema: Schema) -> Schema:
    """Return an equal schema in which parts that occur again are written once, under `definitions`.

    A validator compiles each part as often as it is written: a pod template repeats most of itself.
    """
    counts: dict[bytes, int] = {}

    def count(part: Any) -> bytes:
        key = orjson.dumps(part, option=orjson.OPT_SORT_KEYS)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] == 1:
            for below in _parts(part):
                count(below)
        return key

    names: dict[bytes, str] = {}
    definitions: Schema = {}

    def rewritten(part: Any, root: bool = False) -> Any:
        key = orjson.dumps(part, option=orjson.OPT_SORT_KEYS)
        if not root and counts[key] > 1 and len(key) >= _SHARED_BYTES and "$ref" not in part:
            if key not in names:
                names[key] = f"shared-{len(names)}"
                definitions[names[key]] = _mapped(part, rewritten)
            return {"$ref": _DEFINITION + names[key]}
        return _mapped(part, rewritten)

    count(schema)
    kept = {key: value for key, value in schema.items() if key != "definitions"}
    slim = _mapped(kept, rewritten)
    own = {name: rewritten(each, True) for name, each in schema.get("definitions", {}).items()}
    return {**slim, "definitions": {**own, **definitions}} if own or definitions else slim


def _parts(schema: Schema) -> list[Any]:
    found: list[Any] = []
    for keyword, value in schema.items():
        if keyword in _BY_NAME:
            found.extend(value.values())
        elif keyword in {"allOf", "anyOf", "oneOf"}:
            found.extend(value)
        elif keyword in {"items", "additionalProperties", "not"} and isinstance(value, dict):
            found.append(value)
    return found


def _mapped(schema: Schema, change: Callable[[Any], Any]) -> Schema:
    changed: Schema = {}
    for keyword, value in schema.items():
        if keyword in _BY_NAME:
            changed[keyword] = {name: change(each) for name, each in value.items()}
        elif keyword in {"allOf", "anyOf", "oneOf"}:
            changed[keyword] = [change(each) for each in value]
        elif keyword in {"items", "additionalProperties", "not"} and isinstance(value, dict):
            changed[keyword] = change(value)
        else:
            changed[keyword] = value
    return changed


def _references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return {name for each in schema for name in _references(each)}
    if not isinstance(schema, dict):
        return set()
    found = {name for each in schema.values() for name in _references(each)}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        found.add(reference.removeprefix(_DEFINITION))
    return found
