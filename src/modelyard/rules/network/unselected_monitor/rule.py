"""Monitors that Prometheus does not look at."""

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import plural
from modelyard.view import ChartValues, Environment, Manifest, mapping, selects, written_labels

_CHART = "kube-prometheus-stack"
_KINDS = {"ServiceMonitor": "serviceMonitor", "PodMonitor": "podMonitor", "PrometheusRule": "rule"}


@rule("network/unselected-monitor", warning, since="0.1.0", absence="cluster")
def unselected_monitor(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Prometheus ignores monitors and rules that its selectors do not match."""
    for values in environment.chart_values:
        if values.source.chart != _CHART or values.unreadable:
            continue
        for kind, field in _KINDS.items():
            wanted = _selector(values, field)
            manifests = [
                each
                for each in environment.of_kind(kind, "monitoring.coreos.com")
                if environment.is_ours(each) and not selects(wanted, each.labels)
            ]
            if wanted is None or not manifests:
                continue
            first = min(manifests, key=lambda each: (_order(environment, each), each.name))
            others = f" and {plural(len(manifests) - 1, 'other')}" if len(manifests) > 1 else ""
            yield Finding(
                at=first.at("metadata.labels", key=True),
                message=f"Prometheus selects only {kind} objects with {_words(wanted)}, which {first}{others} "
                "do not have",
                fix=f"set prometheus.prometheusSpec.{field}SelectorNilUsesHelmValues: false, or add the label",
            )


def _selector(values: ChartValues, field: str) -> dict[str, Any] | None:
    """Return what Prometheus selects by, as the chart makes it; None for everything."""
    spec = "prometheus.prometheusSpec"
    own = values.get(f"{spec}.{field}Selector")
    if isinstance(own, dict) and own:
        return own
    if values.get(f"{spec}.{field}SelectorNilUsesHelmValues", True) is False:
        return None
    helm = mapping(values.source.value, "helm")
    return {"matchLabels": {"release": str(helm.get("releaseName") or values.application.name)}}


def _order(environment: Environment, manifest: Manifest) -> int:
    """Return the models' own first."""
    return 0 if any(model.application.name == manifest.application for model in environment.models) else 1


def _words(selector: dict[str, Any]) -> str:
    return written_labels(mapping(selector, "matchLabels")) or "labels of its own"
