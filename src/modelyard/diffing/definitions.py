"""What a change of a CustomResourceDefinition means for the resources of its kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.diffing.matching import Item
from modelyard.diffing.model import FieldChange, Hazard
from modelyard.findings import Severity

KIND = "CustomResourceDefinition"
_MOST_FIELDS = 8


def definition_hazards(before: Item, after: Item) -> Iterator[Hazard]:
    """Yield what existing custom resources lose."""
    old, new = _versions(before), _versions(after)
    name = after.name
    for version in old:
        if version not in new:
            stored = old[version].get("storage") is True
            yield Hazard(
                "definitions",
                Severity.ERROR if stored else Severity.WARNING,
                f"definition {name}: version {version} goes"
                + (", in which objects are stored; migrate them first" if stored else ""),
            )
        elif old[version].get("served") and not new[version].get("served"):
            yield Hazard(
                "definitions", Severity.WARNING, f"definition {name}: version {version} is not served any more"
            )
    first, second = before.manifest.get("spec.scope"), after.manifest.get("spec.scope")
    if first != second:
        yield Hazard("definitions", Severity.ERROR, f"definition {name}: its scope {first} cannot become {second}")
    for version in old:
        if version not in new:
            continue
        gone = _fields(old[version]) - _fields(new[version])
        if gone:
            yield Hazard(
                "definitions",
                Severity.WARNING,
                f"definition {name} {version}: {_listed(gone)} {'goes' if len(gone) == 1 else 'go'}, and objects lose "
                "what they set there",
            )
        demanded = _required(new[version]) - _required(old[version])
        if demanded:
            yield Hazard(
                "definitions",
                Severity.WARNING,
                f"definition {name} {version}: {_listed(demanded)} must be set from now on",
            )


def definition_fields(before: Item, after: Item) -> Iterator[FieldChange]:
    """Yield which fields come and go in each version, rather than the schemas' own texts."""
    old, new = _versions(before), _versions(after)
    for version in dict.fromkeys([*old, *new]):
        first = _fields(old[version]) if version in old else set()
        second = _fields(new[version]) if version in new else set()
        if version not in old or version not in new:
            word = "version"
            yield FieldChange(f"{version}", word, "gone") if version not in new else FieldChange(version, after=word)
            continue
        for path in sorted(first - second):
            yield FieldChange(f"{version}: {path}", "a field", "gone")
        for path in sorted(second - first):
            yield FieldChange(f"{version}: {path}", "", "a new field")


def _versions(item: Item) -> dict[str, Mapping[str, Any]]:
    return {str(entry.get("name")): entry for entry in item.manifest.entries("spec.versions")}


def _schema(version: Mapping[str, Any]) -> Any:
    return (version.get("schema") or {}).get("openAPIV3Schema") or {}


def _fields(version: Mapping[str, Any]) -> set[str]:
    return {path for path, _ in _walk(_schema(version), "")}


def _required(version: Mapping[str, Any]) -> set[str]:
    return {
        f"{path}.{name}" if path else str(name)
        for path, schema in [("", _schema(version)), *_walk(_schema(version), "")]
        for name in schema.get("required") or ()
    }


def _walk(schema: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(schema, Mapping):
        return
    for name, below in (schema.get("properties") or {}).items():
        here = f"{path}.{name}" if path else str(name)
        if isinstance(below, Mapping):
            yield here, below
            yield from _walk(below, here)
    for key in ("items", "additionalProperties"):
        yield from _walk(schema.get(key), f"{path}[]" if key == "items" else f"{path}.*")


def _listed(paths: set[str]) -> str:
    # Below a field that goes, its own fields need no mention.
    tops = sorted(path for path in paths if not any(path != other and path.startswith(f"{other}.") for other in paths))
    if len(tops) > _MOST_FIELDS:
        return f"{', '.join(tops[:_MOST_FIELDS])} and {len(tops) - _MOST_FIELDS} more fields"
    return ", ".join(tops)
