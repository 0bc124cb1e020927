"""Tolerations in the values of charts that miss a taint by its value."""

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.view import ChartValues, Environment, Taint, text, tolerates


@rule("scheduling/taint-value-mismatch", warning, since="0.1.0")
def taint_value_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A toleration with a different value than the taint keeps a chart's pods off their nodes."""
    taints = {taint for pool in environment.pools for taint in pool.taints}
    for values in environment.chart_values:
        for layer in values.layers:
            for path, tolerations in _tolerations(layer.content, ()):
                if values.get(path) == tolerations:
                    yield from _judge(values, path, tolerations, taints)


def _judge(values: ChartValues, path: Path, tolerations: list[Any], taints: set[Taint]) -> Iterator[Finding]:
    given = [each for each in tolerations if isinstance(each, dict)]
    for index, each in enumerate(tolerations):
        key = text(each, "key")
        meant = sorted((taint for taint in taints if taint.key == key), key=str)
        if text(each, "operator") == "Exists" or not meant or any(tolerates(given, taint) for taint in meant):
            continue
        yield Finding(
            at=values.at((*path, index, "value")),
            message=f"the values of chart {values.source.chart} tolerate {key}={text(each, 'value')}, "
            f"but pools have the taint {meant[0]}",
            fix="write operator: Exists"
            + (f", or value: {meant[0].value!r}" if meant[0].value else " without a value"),
        )


def _tolerations(content: Any, path: Path) -> Iterator[tuple[Path, list[Any]]]:
    if not isinstance(content, dict):
        return
    for key, value in content.items():
        if key == "tolerations" and isinstance(value, list):
            yield (*path, key), value
        else:
            yield from _tolerations(value, (*path, str(key)))
