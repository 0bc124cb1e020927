"""Metrics that no exporter serves."""

from collections.abc import Iterator

from modelyard.catalog import Exporter, exporter_of, metrics
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment, Expression, Selector, expressions, title_of


@rule("metrics/unknown-metric", warning, since="0.1.0", absence="cluster")
def unknown_metric(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A query for a metric that nobody serves answers nothing, and an alert or autoscaler on it never acts."""
    versions = environment.served_versions
    for expression in expressions(environment):
        for selector in expression.selectors:
            name = exporter_of(selector.metric) or ""
            exporter = metrics(name) if name else None
            if exporter is None:
                continue
            if name in versions and exporter.version not in versions[name]:
                engine = title_of(name)
                yield NotChecked(
                    expression.manifest, f"metrics of {engine} {', '.join(sorted(versions[name]))} unknown"
                )
                break
            yield from _judge(expression, selector, exporter)


def _judge(expression: Expression, selector: Selector, exporter: Exporter) -> Iterator[Finding]:
    metric = exporter.series.get(selector.metric)
    if metric is None:
        instead = exporter.removed.get(selector.metric) or nearest(selector.metric, exporter.series)
        gone = "served no more by" if selector.metric in exporter.removed else "which is no metric of"
        served = f"{exporter.name} {exporter.version}".strip()
        yield Finding(
            at=expression.at_word(selector.metric),
            message=f"{expression.manifest} asks for {selector.metric}, {gone} {served}",
            fix=f"did you mean {instead}" if instead else "choose a metric that the exporter serves",
        )
        return
    for label in sorted(selector.matched.difference(metric.labels)):
        meant = nearest(label, metric.labels) if "..." not in metric.labels else ""
        if meant and meant not in selector.matched:
            yield Finding(
                at=expression.at,
                message=f"{expression.manifest} asks {selector.metric} for the label {label}, which it does not have",
                fix=f"did you mean {meant}",
            )
