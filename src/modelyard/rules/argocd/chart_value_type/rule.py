"""Values of charts of another kind than the chart's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.catalog import Chart, ChartKey, chart
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment

_SCALARS = ("boolean", "integer", "number")
_NAMED = re.compile(r"(?i)port$")


@rule("argocd/chart-value-type", warning, since="0.3.0")
def chart_value_type(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A chart takes the text "false" for true, writes a word where Kubernetes wants a number, or fails to render."""
    for values in environment.chart_values:
        known = chart(values.source.chart, values.source.revision)
        told: set[tuple[str, ...]] = set()
        for layer in values.layers if known is not None else ():
            for path, value, expected in _other(layer.content, known, ()) if known is not None else ():
                if path not in told:
                    told.add(path)
                    yield Finding(
                        at=values.at(path),
                        message=f"{'.'.join(path)} of chart {values.source.chart} is {_shown(value)}, where the "
                        f"chart's own value is {expected}",
                        fix=f"write {expected}",
                    )


def _other(
    values: Mapping[str, Any], known: Chart, above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    for key, value in values.items():
        path = (*above, str(key))
        if not above and (path[0] == "global" or path[0] in known.dependencies):
            continue
        entry = known.key(path)
        if entry is None:
            continue  # argocd/unknown-chart-value says so
        expected = _expected(entry, path[-1], value)
        if expected:
            yield path, value, expected
        elif isinstance(value, Mapping) and not entry.open:
            yield from _other(value, known, path)


def _expected(entry: ChartKey, name: str, value: Any) -> str:
    """Return what a chart's own value is, where another kind of value cannot stand; a default tells no more."""
    if value is None or (isinstance(value, str) and "{{" in value):
        return ""
    collection = isinstance(value, Mapping | list)
    if entry.type in _SCALARS and collection:
        return "true or false" if entry.type == "boolean" else "a number"
    if entry.type == "boolean" and isinstance(value, str) and value not in ("true", ""):
        return "true or false"
    if entry.type in ("integer", "number") and not _NAMED.search(name):
        word = isinstance(value, bool) or (isinstance(value, str) and value and not re.search(r"\d", value))
        return "a number" if word else ""
    if entry.type == "list" and not collection and not isinstance(value, str):
        return "a list"
    if entry.type == "list" and isinstance(value, str) and value and "\n" not in value:
        return "a list"
    if entry.type == "object" and (
        isinstance(value, list | bool | int | float) or (isinstance(value, str) and value.isalnum())
    ):
        return "a mapping"
    return ""


def _shown(value: Any) -> str:
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, Mapping) else f"{value!r}"
