"""Metrics: who asks for which series, who records them, which exporters run, and which monitors collect them."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.catalog import exporter_of, metrics
from modelyard.findings import Address
from modelyard.graph.edges import Addressable, Choice, Definition, End, Lookup, ObjectRef, Reference, Selection
from modelyard.graph.extractors.context import Context
from modelyard.graph.extractors.registry import of
from modelyard.rendering import Path
from modelyard.view.engines import exporters_in, title_of
from modelyard.view.environment import Environment
from modelyard.view.expressions import Expression, expressions
from modelyard.view.labels import set_by_manifests, written_labels
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import listed, mapping, numbered, text
from modelyard.view.workloads import workload

MONITORING = "monitoring.coreos.com"
# What serves metrics beside engines, by a part of the last name of an image, and by the name of a chart.
_IMAGES = {
    "dcgm-exporter": "dcgm-exporter",
    "fluent-bit": "fluent-bit",
    "kube-state-metrics": "kube-state-metrics",
    "neuron-monitor": "neuron-monitor",
    "node-exporter": "node-exporter",
}
_CHARTS = {
    "argo-cd": ("argocd",),
    "external-secrets": ("external-secrets",),
    "karpenter": ("karpenter",),
    "kube-prometheus-stack": ("kube-state-metrics", "node-exporter"),
    "kuberay-operator": ("kuberay",),
    "lws": ("lws",),
}


@of((MONITORING, "PrometheusRule"))
def recorded(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the series that a rule records."""
    for number, group in numbered(manifest.value, "spec", "groups"):
        for index, rule in numbered(group, "rules"):
            if text(rule, "record"):
                path: Path = ("spec", "groups", number, "rules", index, "record")
                yield Definition(End(ObjectRef("metric", text(rule, "record")), manifest, path))


@of((MONITORING, "ServiceMonitor"), (MONITORING, "PodMonitor"))
def collected(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the exporters behind what a monitor scrapes."""
    selector = dict(manifest.mapping("spec.selector"))
    labels = set_by_manifests(mapping(selector, "matchLabels"))
    wanted = manifest.mapping("spec.namespaceSelector")
    namespaces = tuple(str(each) for each in listed(wanted, "matchNames")) or (context.namespace(manifest),)
    kind = "Service" if manifest.kind == "ServiceMonitor" else "Pod"
    chosen = Selection(
        kind, None if wanted.get("any") else namespaces, {**selector, "matchLabels": labels}, written_labels(labels)
    )
    node = ObjectRef("exporter", f"behind {chosen.node}")

    def choose(index: Lookup) -> Iterator[End]:
        found: dict[str, End] = {}
        for end in index.selected(chosen):
            for pods in _pods(index, end) if kind == "Service" else (end,):
                for name, path in _exporters(pods.holder):
                    found.setdefault(name, End(ObjectRef("exporter", name), pods.holder, path))
        yield from found.values()

    yield Reference(
        "collects from",
        context.end(manifest, ("spec", "selector")),
        Choice(node, choose),
        elsewhere=context.elsewhere(namespaces[0]) or "an exporter outside of the catalogue",
    )


def _pods(index: Lookup, service: End) -> tuple[End, ...]:
    if not isinstance(service.holder, Manifest):
        return ()
    labels = set_by_manifests(service.holder.mapping("spec.selector"))
    return index.selected(Selection("Pod", (service.node.namespace,), {"matchLabels": labels}, "")) if labels else ()


def _exporters(holder: Addressable | None) -> Iterator[tuple[str, Path]]:
    found = workload(holder) if isinstance(holder, Manifest) else None
    for container in found.containers if found else ():
        name = next((exporter for part, exporter in _IMAGES.items() if part in container.image_basename), "")
        for exporter in (name,) if name else exporters_in(container):
            yield exporter, (*container.path, "image")


class _Asked:
    """A metric in an expression as an end."""

    def __init__(self, expression: Expression, metric: str) -> None:
        self._expression, self._metric = expression, metric

    def at(self, path: Path = ()) -> Address:
        return self._expression.at_word(self._metric)


def asked(environment: Environment, context: Context) -> Iterator[Definition | Reference]:
    """Yield the series that autoscalers, rules and dashboards ask for, once for each object that asks."""
    serving = _serving(environment)
    wanted: dict[str, Choice] = {}
    done: set[tuple[ObjectRef, str]] = set()
    for expression in expressions(environment):
        node = context.node(expression.manifest)
        for selector in expression.selectors:
            metric = selector.metric
            if not metric or (node, metric) in done:
                continue
            done.add((node, metric))
            if metric not in wanted:
                wanted[metric] = _choice(metric, serving)
            owner = exporter_of(metric)
            yield Reference(
                "asks for",
                End(node, _Asked(expression, metric)),
                wanted[metric],
                # An expression may stand before what it is for: devices that no pool has yet.
                optional=owner is not None and owner not in serving,
                elsewhere=_unknown(environment, metric, owner),
            )


def _choice(metric: str, serving: dict[str, End]) -> Choice:
    node = ObjectRef("metric", metric)

    def choose(index: Lookup) -> Iterator[End]:
        yield from index.named(node)
        for name, end in serving.items():
            exporter = metrics(name)
            if exporter is not None and metric in exporter.series:
                yield end

    return Choice(node, choose)


def _serving(environment: Environment) -> dict[str, End]:
    """Return the exporters that run here, each with where the first of its kind is named."""
    found: dict[str, End] = {}
    for each in environment.workloads:
        for name, path in _exporters(each.manifest):
            found.setdefault(name, End(ObjectRef("exporter", name), each.manifest, path))
    for application in environment.applications:
        for source in application.sources:
            for name in _CHARTS.get(source.chart, ()):
                end = End(ObjectRef("exporter", name), application, (*source.path, "chart"))
                found.setdefault(name, end)
    return found


def _unknown(environment: Environment, metric: str, owner: str | None) -> str:
    """Return why a series that is not found may still be there; empty where it would be known."""
    if owner is None:
        return "an exporter outside of the catalogue"
    exporter = metrics(owner)
    versions = environment.served_versions.get(owner)
    if exporter is not None and versions and exporter.version not in versions:
        return f"{title_of(owner)} {', '.join(sorted(versions))}"
    return ""
