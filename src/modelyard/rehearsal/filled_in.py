"""Values that a definition fills into a list which Argo CD compares as a whole: such an object is never synced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.rendering import Path

_LIST_TYPE, _LIST_KEYS = "x-kubernetes-list-type", "x-kubernetes-list-map-keys"


def filled_in(definition: Mapping[str, Any], sent: Mapping[str, Any], answered: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the places inside lists that hold a value in the server's answer and none in what was sent.

    Values that are filled in elsewhere do no harm: Argo CD compares only the fields that it applied. A list without
    keys is one field, whatever is in it; an item of one with keys is another item once a key is filled in, as the
    protocol of a port is.

    Args:
        definition: The CustomResourceDefinition.
        sent: The object as it was applied.
        answered: The object as the server would keep it.
    """
    version = str(sent.get("apiVersion", "")).rpartition("/")[2]
    for each in definition["spec"]["versions"]:
        if each["name"] == version:
            schema = each.get("schema", {}).get("openAPIV3Schema", {})
            for field in set(sent) & set(answered) - {"apiVersion", "kind", "metadata", "status"}:
                yield from _below(_property(schema, field), sent[field], answered[field], (field,), inside=False)


def _below(schema: Mapping[str, Any], sent: Any, answered: Any, path: Path, *, inside: bool) -> Iterator[Path]:
    if isinstance(sent, dict) and isinstance(answered, dict):
        if inside:
            yield from ((*path, key) for key in sorted(set(answered) - set(sent)))
        for key in sent:
            if key in answered:
                yield from _below(_property(schema, key), sent[key], answered[key], (*path, key), inside=inside)
    elif isinstance(sent, list) and isinstance(answered, list):
        items = schema.get("items", {})
        keyed = schema.get(_LIST_TYPE) == "map"
        keys = schema.get(_LIST_KEYS, ()) if keyed else ()
        for index, (item, kept) in enumerate(_pairs(sent, answered, keys)):
            if isinstance(item, dict) and isinstance(kept, dict) and not inside:
                yield from ((*path, index, key) for key in keys if key in kept and key not in item)
            yield from _below(items, item, kept, (*path, index), inside=not keyed)


def _pairs(sent: list[Any], answered: list[Any], keys: Any) -> Iterator[tuple[Any, Any]]:
    """Yield items that stand for each other: by their keys, or by position where there are none."""
    if not keys:
        yield from zip(sent, answered, strict=False)
        return
    for item in sent:
        found = (each for each in answered if all(each.get(key) == item.get(key, each.get(key)) for key in keys))
        yield item, next(found, item)


def _property(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = schema.get("properties", {}).get(key)
    if found is None:
        found = schema.get("additionalProperties")
    return found if isinstance(found, Mapping) else {}
