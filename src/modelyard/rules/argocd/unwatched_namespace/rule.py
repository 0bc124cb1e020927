"""Controllers that are told to watch other namespaces than those with their objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import DASHBOARD_LABEL, ChartValues, Environment, Manifest


@dataclass(frozen=True, slots=True)
class _Watch:
    """A value of a chart that names the namespaces that it looks at, and whose objects these are."""

    chart: str
    path: Path
    groups: tuple[str, ...]
    kinds: tuple[str, ...] = ()


# Values of the pinned charts that limit what a controller sees; empty, or ALL, means every namespace.
_WATCHES = (
    _Watch("keda", ("watchNamespace",), ("keda.sh",)),
    _Watch("external-secrets", ("scopedNamespace",), ("external-secrets.io",)),
    _Watch("kuberay-operator", ("watchNamespace",), ("ray.io",)),
    _Watch(
        "aws-load-balancer-controller",
        ("watchNamespace",),
        ("networking.k8s.io", "elbv2.k8s.aws"),
        ("Ingress", "TargetGroupBinding"),
    ),
    _Watch("kube-prometheus-stack", ("prometheusOperator", "namespaces", "additional"), ("monitoring.coreos.com",)),
)
_SIDECAR: Path = ("grafana", "sidecar", "dashboards", "searchNamespace")
_ALL = frozenset({"", "ALL", "*"})
# Switches by which a chart brings its definitions, and the groups of these.
_DEFINITIONS = (
    ("external-secrets", ("installCRDs",), True, "external-secrets.io"),
    ("cert-manager", ("crds", "enabled"), False, "cert-manager.io"),
    ("keda", ("crds", "install"), True, "keda.sh"),
    ("kube-prometheus-stack", ("crds", "enabled"), True, "monitoring.coreos.com"),
    ("argo-cd", ("crds", "install"), True, "argoproj.io"),
)


@rule("argocd/unwatched-namespace", error, since="0.3.0")
def unwatched_namespace(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An object in a namespace that its controller does not watch is applied, and nothing happens."""
    for values in environment.chart_values:
        if values.unreadable or values.missing:
            continue
        for watch in _WATCHES:
            if watch.chart == values.source.chart:
                objects = [
                    each
                    for group in watch.groups
                    for each in environment.resources
                    if each.group == group
                    and (not watch.kinds or each.kind in watch.kinds)
                    and environment.is_ours(each)
                ]
                yield from _of_watch(environment, values, watch.path, objects, watch.chart)
        if values.source.chart == "kube-prometheus-stack":
            dashboards = [each for each in environment.of_kind("ConfigMap", "") if DASHBOARD_LABEL in each.labels]
            own = [each for each in dashboards if environment.is_ours(each)]
            yield from _of_watch(environment, values, _SIDECAR, own, "Grafana's sidecar")
        if environment.is_generated:  # elsewhere, whoever made the cluster may have brought them
            yield from _of_definitions(environment, values)


def _of_watch(
    environment: Environment, values: ChartValues, path: Path, objects: list[Manifest], who: str
) -> Iterator[Finding]:
    watched = _namespaces(values.get(path))
    if not watched or watched & _ALL:
        return
    unseen = [each for each in objects if (found := environment.namespace_of(each)) and found not in watched]
    if unseen:
        namespaces = {environment.namespace_of(each) for each in unseen}
        yield Finding(
            at=values.at(path),
            message=f"{who} watches {one_of(watched)} alone ({'.'.join(map(str, path))}), and {unseen[0]} is in "
            f"namespace {one_of(namespaces)}",
            fix=f"add {one_of(namespaces)}, or remove the value",
        )


def _namespaces(value: Any) -> set[str]:
    if isinstance(value, list):
        return {str(each) for each in value}
    return {each.strip() for each in value.split(",")} if isinstance(value, str) and value else set()


def _of_definitions(environment: Environment, values: ChartValues) -> Iterator[Finding]:
    """Yield a chart that does not bring its definitions, of which there are objects and nobody else brings them."""
    for chart, path, default, group in _DEFINITIONS:
        if chart != values.source.chart or values.get(path, default) is not False:
            continue
        own = next((each for each in environment.resources if each.group == group and environment.is_ours(each)), None)
        brought = any(
            each.get("spec.group") == group
            for each in environment.of_kind("CustomResourceDefinition", "apiextensions.k8s.io")
        )
        other = any(
            each.source.chart != chart
            and each.source.chart.startswith(chart.partition("-")[0])
            and "crd" in each.source.chart
            for each in environment.chart_values
        )
        if own is not None and not brought and not other:
            yield Finding(
                at=values.at(path),
                message=f"chart {chart} brings no definitions ({'.'.join(path)} is false), and {own} needs them",
                fix=f"set {'.'.join(path)} to true",
            )
