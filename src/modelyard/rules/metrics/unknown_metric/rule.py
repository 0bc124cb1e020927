"""Metrics that no exporter serves."""

from collections.abc import Iterator, Mapping
from functools import cache

from modelyard.catalog import Exporter, exporter_of, exporters, metrics
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment, Expression, Selector, entries, expressions, numbered, text, title_of

# What Prometheus and the operator add to every series of a target.
_TARGET = frozenset(
    {"cluster", "container", "endpoint", "instance", "job", "le", "namespace", "node", "pod", "prometheus", "quantile"}
    | {"service", "exported_namespace", "exported_pod", "exported_container"}
)


@rule("metrics/unknown-metric", warning, since="0.1.0", absence="cluster")
def unknown_metric(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A query for a metric that no exporter serves returns nothing; an alert or autoscaler on it never acts."""
    yield from _of_pod_autoscalers(environment)
    versions = environment.served_versions
    for expression in expressions(environment):
        yield from _grouped(environment, expression)
        for selector in expression.selectors:
            name = exporter_of(selector.metric) or ""
            if not name:
                yield from _of_nobody(environment, expression, selector.metric)
                continue
            exporter = metrics(name) if name else None
            if exporter is None:
                continue
            if name in versions and exporter.version not in versions[name]:
                engine = title_of(name)
                yield NotChecked(
                    expression.manifest,
                    f"metrics of {engine} {', '.join(sorted(versions[name]))} are unknown",
                )
                break
            yield from _judge(expression, selector, exporter)


def _grouped(environment: Environment, expression: Expression) -> Iterator[Finding]:
    """Yield labels that an expression aggregates by, and that none of its series has: all become one."""
    versions = environment.served_versions
    for label, below in expression.groups:
        known: set[str] = set()
        for selector in below:
            name = exporter_of(selector.metric) or ""
            exporter = metrics(name) if name else None
            metric = exporter.series.get(selector.metric) if exporter is not None else None
            if metric is None or exporter is None or "..." in metric.labels:
                break
            if name in versions and exporter.version not in versions[name]:
                break
            known.update(metric.labels)
        else:
            meant = nearest(label, known) if label not in known | _TARGET else ""
            if meant:
                yield Finding(
                    at=expression.at_word(label),
                    message=f"{expression.manifest} aggregates {below[0].metric} by {label}, which it does not have",
                    fix=f"did you mean {meant}",
                )


def _of_pod_autoscalers(environment: Environment) -> Iterator[Finding]:
    """Yield metrics that AIBrix reads of vLLM's pods and that they serve no more, or never did."""
    exporter = metrics("vllm")
    if exporter is None or environment.served_versions.get("vllm", {exporter.version}) - {exporter.version}:
        return
    for manifest in environment.of_kind("PodAutoscaler", "autoscaling.aibrix.ai"):
        for index, source in (
            numbered(manifest.value, "spec", "metricsSources") if environment.is_ours(manifest) else ()
        ):
            name = text(source, "targetMetric")
            series = name if name.startswith("vllm:") else f"vllm:{name}"
            if not name or text(source, "metricSourceType") != "pod" or series in exporter.series:
                continue
            instead = exporter.removed.get(series) or nearest(series, exporter.series, cutoff=0.85)
            if instead:
                yield Finding(
                    at=manifest.at(("spec", "metricsSources", index, "targetMetric")),
                    message=f"{manifest} scales on {name}, which vLLM {exporter.version} does not serve",
                    fix=f"write {instead.removeprefix('vllm:')}",
                )


def _of_nobody(environment: Environment, expression: Expression, metric: str) -> Iterator[Finding]:
    """Yield a name of no exporter, where it is that of one in other signs, or nearly one that is recorded."""
    if not metric or metric in recorded(environment):
        return
    meant = spellings().get(metric.replace(":", "_").lower(), "")
    if not meant and ":" in metric:
        meant = nearest(metric, recorded(environment), cutoff=0.85)
    if meant and meant != metric:
        yield Finding(
            at=expression.at_word(metric),
            message=f"{expression.manifest} asks for {metric}, which no exporter serves and no rule records",
            fix=f"write {meant}",
        )


def recorded(environment: Environment) -> frozenset[str]:
    """Return the series that the environment's own rules record."""
    return environment.derived(_recorded)


def _recorded(environment: Environment) -> frozenset[str]:
    return frozenset(
        text(each, "record")
        for manifest in environment.of_kind("PrometheusRule", "monitoring.coreos.com")
        for group in manifest.entries("spec.groups")
        for each in entries(group, "rules")
    ) - {""}


@cache
def spellings() -> Mapping[str, str]:
    """Return the names that exporters serve by their spelling in small letters and without colons."""
    return {
        series.replace(":", "_").lower(): series
        for name in exporters()
        for exporter in [metrics(name)]
        for series in (exporter.series if exporter is not None else ())
    }


def _judge(expression: Expression, selector: Selector, exporter: Exporter) -> Iterator[Finding]:
    metric = exporter.series.get(selector.metric)
    if metric is None:
        instead = exporter.removed.get(selector.metric) or nearest(selector.metric, exporter.series)
        gone = "which was removed from" if selector.metric in exporter.removed else "which is not a metric of"
        served = f"{exporter.name} {exporter.version}".strip()
        yield Finding(
            at=expression.at_word(selector.metric),
            message=f"{expression.manifest} queries {selector.metric}, {gone} {served}",
            fix=f"did you mean {instead}" if instead else "use a metric that the exporter serves",
        )
        return
    for label in sorted(selector.matched.difference(metric.labels)):
        meant = nearest(label, metric.labels) if "..." not in metric.labels else ""
        if meant and meant not in selector.matched:
            yield Finding(
                at=expression.at,
                message=f"{expression.manifest} uses the label {label} of {selector.metric}, which it does not have",
                fix=f"did you mean {meant}",
            )
