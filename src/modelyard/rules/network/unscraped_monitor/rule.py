"""Monitors that find nothing to scrape."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import (
    Environment,
    LabelIndex,
    Manifest,
    differing,
    listed,
    mapping,
    set_by_manifests,
    written_labels,
)

GROUP = "monitoring.coreos.com"
_EKS = "EKS"

_Offers = Mapping[str, LabelIndex[set[str]]]
"""By namespace: the names of the ports of each Service or pod template."""


@rule("network/unscraped-monitor", warning, since="0.1.0")
def unscraped_monitor(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A monitor that selects nothing, or a port that does not exist, leaves dashboards and alerts without data."""
    services: dict[str, LabelIndex[set[str]]] = defaultdict(LabelIndex)
    for service in environment.services:
        names = {str(port.get("name") or "") for port in service.ports}
        services[service.namespace].add(service.manifest.labels, names)
    for manifest in environment.of_kind("ServiceMonitor", GROUP):
        if environment.is_ours(manifest):
            yield from _judge(environment, manifest, services, "Service", "endpoints")
    pods: dict[str, LabelIndex[set[str]]] = defaultdict(LabelIndex)
    for namespace, templates in environment.pods_by_namespace.items():
        for template in templates:
            pods[namespace].add(template.labels, {name for name, _, _ in template.ports})
    for manifest in environment.of_kind("PodMonitor", GROUP):
        if environment.is_ours(manifest):
            yield from _judge(environment, manifest, pods, "pod", "podMetricsEndpoints")


def _judge(
    environment: Environment, manifest: Manifest, offers: _Offers, what: str, field: str
) -> Iterator[Finding | NotChecked]:
    selector = dict(manifest.mapping("spec.selector"))
    selector["matchLabels"] = set_by_manifests(mapping(selector, "matchLabels"))
    wanted = manifest.mapping("spec.namespaceSelector")
    namespaces = (
        None
        if wanted.get("any")
        else {str(n) for n in listed(wanted, "matchNames")} or {environment.namespace_of(manifest)}
    )
    inside = [each for namespace, each in offers.items() if namespaces is None or namespace in namespaces]
    found = [ports for each in inside for ports in each.chosen(selector)]
    if not found:
        elsewhere = next((e for n in sorted(namespaces or ()) if (e := environment.unrendered_in(n))), "")
        others = differing(selector["matchLabels"], (labels for each in inside for labels in each.labels))
        # What EKS brings has labels of its own; who shares one with a Service of the repository means that Service.
        meant = elsewhere == _EKS and 0 < len(others) < len(selector["matchLabels"])
        if (elsewhere and not meant) or namespaces is None:
            yield NotChecked(manifest, f"{elsewhere or 'a chart'} may create the {what} that it scrapes")
            return
        key = next(iter(others or selector["matchLabels"]), None)
        near = ", ".join(f"{name}={value}" if value is not None else f"no {name}" for name, value in others.items())
        yield Finding(
            at=manifest.at(("spec", "selector", "matchLabels", key) if key else "spec.selector"),
            message=f"{manifest} selects no {what} in namespace {one_of(namespaces)}: none has "
            + written_labels(selector["matchLabels"]),
            fix=f"select {near}, the closest labels of a {what}" if near else f"select labels that a {what} has",
        )
        return
    offered = {port for ports in found for port in ports} - {""}
    for index, endpoint in enumerate(manifest.entries(("spec", field))):
        port = endpoint.get("port")
        if isinstance(port, str) and port not in offered:
            yield Finding(
                at=manifest.at(("spec", field, index, "port")),
                message=f"{manifest} scrapes port {port}, which the {what} that it selects does not have",
                fix=f"name {one_of(offered)}",
            )
