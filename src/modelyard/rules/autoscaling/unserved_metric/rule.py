"""Autoscalers of metrics that no API serves."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, mapping, numbered, text

_APIS = {
    "Pods": ("pods", "custom.metrics.k8s.io"),
    "Object": ("object", "custom.metrics.k8s.io"),
    "External": ("external", "external.metrics.k8s.io"),
}
"""By the type of a metric, its field and the API that answers for it."""

# Charts that serve one of the APIs.
_ADAPTERS = {
    "prometheus-adapter": ("custom.metrics.k8s.io", "external.metrics.k8s.io"),
    "datadog": ("custom.metrics.k8s.io", "external.metrics.k8s.io"),
    "k8s-cloudwatch-adapter": ("external.metrics.k8s.io",),
    "keda": ("external.metrics.k8s.io",),
}


@rule("autoscaling/unserved-metric", error, since="0.1.0", absence="cluster")
def unserved_metric(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An autoscaler on a metric that no adapter serves reports FailedGetPodsMetric and never scales."""
    served = {str(each.get("spec.group", "")) for each in environment.of_kind("APIService")}
    for application in environment.applications:
        for source in application.sources:
            served.update(_ADAPTERS.get(source.chart, ()))
    for manifest in environment.of_kind("HorizontalPodAutoscaler", "autoscaling"):
        if not environment.is_ours(manifest):
            continue
        for index, metric in numbered(manifest.value, "spec", "metrics"):
            field, api = _APIS.get(text(metric, "type"), ("", ""))
            if not api or api in served:
                continue
            name = text(mapping(metric, field, "metric"), "name")
            yield Finding(
                at=manifest.at(("spec", "metrics", index, field, "metric", "name")),
                message=f"{manifest} scales on {name}, but nothing in this environment serves {api}",
                fix="use a ScaledObject with a Prometheus trigger, or add an adapter that serves the API",
            )
