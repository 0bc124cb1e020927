"""From the pod that tells a metric to the panel that shows it, nothing is missing in between."""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence
from typing import Any

import pytest

from modelyard.catalog import exporters, metrics
from tests.manifests.composition import BASES, Resource, engine_facts, load, names, pod_templates, shipped
from tests.monitoring.queries import filled, panels, read
from tests.monitoring.rules import groups

PLATFORM = BASES / "platform"
# Components and engines whose pods are rendered here, with the exporter of the catalogue that they run.
COMPONENTS = {
    "dcgm-exporter": "dcgm-exporter",
    "neuron-monitor": "neuron-monitor",
    "fluent-bit-cloudwatch": "fluent-bit",
    "fluent-bit-opensearch": "fluent-bit",
}
ENGINES = {
    name: {"ray-vllm": "ray", "triton-vllm": "triton", "vllm-omni": "vllm-omni", "mlserver": "mlserver"}.get(
        name, "vllm"
    )
    for name in names(BASES / "serving")
}
# Exporters whose pods and Services a chart brings, which cannot be rendered here: the monitor that is ours, with its
# namespace and port, or the switches of the chart's own.
OUR_MONITORS = {
    "karpenter": ("karpenter", "kube-system", "http-metrics"),
    "argocd": ("argocd", "argocd", "http-metrics"),
    "external-secrets": ("external-secrets", "external-secrets", "metrics"),
    "aibrix": ("aibrix", "aibrix-system", "metrics"),
}
SWITCHES = {
    "kuberay": ("kuberay-operator", "metrics.serviceMonitor.enabled", True),
    "lws": ("lws", "enablePrometheus", True),
    "kube-state-metrics": ("kube-prometheus-stack", "kube-state-metrics.prometheus.monitor.enabled", None),
    "node-exporter": ("kube-prometheus-stack", "prometheus-node-exporter.prometheus.monitor.enabled", None),
}
# Shown in panels; models and nodes have alerts of their own.
WITHOUT_RULE = {"aibrix", "kuberay", "lws", "node-exporter"}


def rendered() -> list[Any]:
    """Return every exporter that is rendered here, with its resources and its pods."""
    found = []
    for name, exporter in COMPONENTS.items():
        resources = shipped(PLATFORM / name)
        (daemon,) = (resource for resource in resources if resource["kind"] == "DaemonSet")
        found.append(pytest.param(exporter, resources, [daemon["spec"]["template"]], id=name))
    for name, exporter in ENGINES.items():
        resources = shipped(BASES / "serving" / name)
        found.append(pytest.param(exporter, resources, list(pod_templates(resources).values()), id=name))
    return found


def of(resources: Sequence[Resource], kind: str) -> list[Resource]:
    return [resource for resource in resources if resource["kind"] == kind]


def within(wanted: dict[str, str], labels: dict[str, str]) -> bool:
    return wanted.items() <= labels.items()


def ports(pod: Resource) -> dict[str, int]:
    return {
        port["name"]: port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports", ())
    }


def scraped(resources: Sequence[Resource], pods: Sequence[Resource]) -> list[tuple[Resource, str, str]]:
    """Return the pods that a monitor reaches, each with the name of its port and the path."""
    found: list[tuple[Resource, str, str]] = []
    for monitor in of(resources, "PodMonitor"):
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            found.extend(
                (pod, endpoint["port"], endpoint["path"])
                for pod in pods
                if within(monitor["spec"]["selector"]["matchLabels"], pod["metadata"]["labels"])
            )
    for monitor in of(resources, "ServiceMonitor"):
        for service in of(resources, "Service"):
            if not within(monitor["spec"]["selector"]["matchLabels"], service["metadata"]["labels"]):
                continue
            assert monitor["metadata"].get("namespace") == service["metadata"].get("namespace")
            targets = {port["name"]: port["targetPort"] for port in service["spec"]["ports"]}
            for endpoint in monitor["spec"]["endpoints"]:
                if endpoint["port"] in targets:
                    found.extend(
                        (pod, targets[endpoint["port"]], endpoint["path"])
                        for pod in pods
                        if within(service["spec"]["selector"], pod["metadata"]["labels"])
                    )
    return found


@pytest.mark.parametrize(("exporter", "resources", "pods"), rendered())
def test_monitors_reach_the_port_that_serves_metrics(
    exporter: str, resources: Sequence[Resource], pods: Sequence[Resource]
) -> None:
    known = metrics(exporter)
    assert known is not None
    reached = scraped(resources, pods)
    assert reached, "no monitor reaches a pod"
    for pod, port, path in reached:
        assert port in ports(pod), f"the pod has no port {port}"
        assert path == known.path
        # Triton's OpenAI server has its metrics beside its API, not on the port of the plain server.
        assert exporter == "triton" or ports(pod)[port] == known.port


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Service", ("metadata", "labels"), {"app.kubernetes.io/name": "dcgm"}),
        ("Service", ("spec", "selector"), {"app": "dcgm-exporter"}),
        ("ServiceMonitor", ("spec", "selector", "matchLabels"), {"app": "dcgm-exporter"}),
        ("ServiceMonitor", ("spec", "endpoints", 0, "port"), "http"),
    ],
)
def test_a_chain_with_a_link_missing_reaches_nothing(kind: str, path: tuple[Any, ...], value: Any) -> None:
    resources = copy.deepcopy(list(shipped(PLATFORM / "dcgm-exporter")))
    (daemon,) = of(resources, "DaemonSet")
    assert scraped(resources, [daemon["spec"]["template"]])
    (place,) = of(resources, kind)
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert not scraped(resources, [daemon["spec"]["template"]])


@pytest.mark.parametrize(("exporter", "resources", "pods"), rendered())
def test_prometheus_is_let_in(exporter: str, resources: Sequence[Resource], pods: Sequence[Resource]) -> None:
    def lets_in(policy: Resource, pod: Resource, port: str) -> bool:
        wanted = policy["spec"]["podSelector"].get("matchLabels", {})
        return within(wanted, pod["metadata"]["labels"]) and any(
            "'monitoring'" in str(rule.get("from")) and {"port": port, "protocol": "TCP"} in rule.get("ports", ())
            for rule in policy["spec"].get("ingress", ())
        )

    for pod, port, _ in scraped(resources, pods):
        assert any(lets_in(policy, pod, port) for policy in of(resources, "NetworkPolicy")), f"{exporter}: {port}"


@functools.cache
def readers() -> tuple[set[str], set[str]]:
    """Return the metrics that rules read, and those that panels read, by themselves or through recorded series."""
    rules = [rule for found in groups().values() for group in found for rule in group["rules"]]
    through: dict[str, set[str]] = {}
    for rule in rules * 2:
        asked = set(read(rule["expr"]).labels)
        for name in tuple(asked):
            asked |= through.get(name, set())
        if "record" in rule:
            through.setdefault(rule["record"], set()).update(asked)
    in_rules = {name for rule in rules for name in read(rule["expr"]).labels}
    shown: set[str] = set()
    for _, _, expr in panels():
        for name in read(filled(expr)).labels:
            shown |= {name} | through.get(name, set())
    return in_rules, shown


EVERY = sorted({*COMPONENTS.values(), *ENGINES.values(), *OUR_MONITORS, *SWITCHES})


@pytest.mark.parametrize("exporter", EVERY)
def test_a_rule_and_a_panel_read_what_it_tells(exporter: str) -> None:
    known = metrics(exporter)
    assert known is not None
    in_rules, shown = readers()
    assert shown & set(known.series), "no panel shows any of its metrics"
    assert bool(in_rules & set(known.series)) != (exporter in WITHOUT_RULE), "no rule reads any of its metrics"


@pytest.mark.parametrize("exporter", OUR_MONITORS)
def test_our_monitors_of_charts_look_where_the_chart_puts_its_pods(exporter: str) -> None:
    component, namespace, port = OUR_MONITORS[exporter]
    # What runs before the definition of monitors exists cannot bring its own.
    bringer = component if exporter == "aibrix" else "kube-prometheus-stack"
    (monitor,) = (
        resource
        for resource in shipped(PLATFORM / bringer)
        if resource["kind"] in {"ServiceMonitor", "PodMonitor"} and resource["metadata"]["name"].startswith(exporter)
    )
    assert load(PLATFORM / component / "component.yaml")["namespace"] == namespace
    watched = monitor["spec"].get("namespaceSelector", {}).get("matchNames", [monitor["metadata"]["namespace"]])
    assert watched == [namespace]
    endpoints = monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]
    assert [endpoint["port"] for endpoint in endpoints] == [port]


def test_argo_cd_serves_metrics_at_all() -> None:
    values = load(PLATFORM / "argocd" / "values.yaml")
    assert all(values[part]["metrics"]["enabled"] for part in ("controller", "server", "repoServer"))


@pytest.mark.parametrize("exporter", SWITCHES)
def test_monitors_of_charts_are_on(exporter: str) -> None:
    component, key, wanted = SWITCHES[exporter]
    value: Any = load(PLATFORM / component / "values.yaml")
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    assert value == wanted, "None: the chart's default, which is on"


def test_every_exporter_of_the_catalogue_has_its_chain() -> None:
    assert set(EVERY) == set(exporters())


def test_engines_name_the_path_that_is_scraped() -> None:
    for name in ENGINES:
        assert engine_facts(name)["metrics"] == "/metrics"
