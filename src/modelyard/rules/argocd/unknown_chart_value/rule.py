"""Values that a chart does not read."""

from collections.abc import Iterator

from modelyard.catalog import Chart, chart, chart_versions
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import either
from modelyard.view import ChartValues, Environment


@rule("argocd/unknown-chart-value", warning, since="0.1.0")
def unknown_chart_value(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Helm silently ignores a value that the chart does not read, so the setting has no effect."""
    for values in environment.chart_values:
        source = values.source
        known = chart(source.chart, source.revision)
        if known is not None:
            yield from _unknown(values, known)
            continue
        versions = chart_versions(source.chart)
        reason = f"the catalogue has {either(versions)} only" if versions else "the catalogue does not have this chart"
        yield NotChecked(f"values of chart {source.chart} {source.revision}", reason)


def _unknown(values: ChartValues, known: Chart) -> Iterator[Finding]:
    told = set()
    for layer in values.layers:
        for each in known.unknown_keys(layer.content):
            if each.path in told:
                continue
            told.add(each.path)
            name = ".".join(each.path)
            near = ".".join((*each.path[:-1], each.nearest)) if each.nearest else ""
            yield Finding(
                at=values.at(each.path, key=True),
                message=f"chart {known.name} {known.version} has no value {name}",
                fix=f"use {near}" if near else "remove it, or look it up in the chart's values.yaml",
            )
