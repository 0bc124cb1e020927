"""Services, routes, policies, budgets and monitors: who sends to whom, and who watches whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.graph.edges import Choice, Definition, End, Lookup, ObjectRef, Reference, Selection
from modelyard.graph.extractors.context import Context
from modelyard.graph.extractors.registry import of
from modelyard.rendering import Path
from modelyard.view.labels import set_by_manifests, written_labels
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import listed, mapping, numbered, text

GATEWAY, MONITORING = "gateway.networking.k8s.io", "monitoring.coreos.com"


@of(("", "Service"))
def services(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield a Service's ports, the pods that it selects, and their ports."""
    namespace = context.namespace(manifest)
    yield Definition(context.end(manifest, ("metadata", "labels")), manifest.labels, selected_as="Service")
    selector = set_by_manifests(manifest.mapping("spec.selector"))
    chosen = Selection("Pod", (namespace,), {"matchLabels": selector}, written_labels(selector))
    if selector:
        yield Reference("selects", context.end(manifest, ("spec", "selector")), chosen)
    for index, port in numbered(manifest.value, "spec", "ports"):
        path: Path = ("spec", "ports", index)
        for field in ("name", "port"):
            if text(port, field):
                yield Definition(context.end(manifest, (*path, field), part=f"port {text(port, field)}"))
        target = text(port, "targetPort") or text(port, "port")
        field = "targetPort" if text(port, "targetPort") else "port"
        if selector and target:
            # A number may be listened on without being declared; a name must be.
            yield Reference(
                "sends to",
                context.end(manifest, (*path, field)),
                _with_port(chosen, target),
                optional=target.isdigit(),
            )


def _with_port(selection: Selection, port: str) -> Choice:
    def choose(index: Lookup) -> Iterator[End]:
        for end in index.selected(selection):
            yield from index.named(end.node._replace(part=f"port {port}"))

    return Choice(selection.node._replace(part=f"port {port}"), choose)


@of(("monitoring.coreos.com", "ServiceMonitor"), ("monitoring.coreos.com", "PodMonitor"))
def monitors(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield what a monitor scrapes, and the ports that it names."""
    kind, field = ("Service", "endpoints") if manifest.kind == "ServiceMonitor" else ("Pod", "podMetricsEndpoints")
    wanted = manifest.mapping("spec.namespaceSelector")
    namespaces: tuple[str, ...] | None = tuple(str(each) for each in listed(wanted, "matchNames"))
    namespaces = None if wanted.get("any") else namespaces or (context.namespace(manifest),)
    selector = dict(manifest.mapping("spec.selector"))
    labels = set_by_manifests(mapping(selector, "matchLabels"))
    selector["matchLabels"] = labels
    chosen = Selection(kind, namespaces, selector, written_labels(labels))
    yield Reference("scrapes", context.end(manifest, ("spec", "selector")), chosen)
    for index, endpoint in numbered(manifest.value, "spec", field):
        port = text(endpoint, "port")
        if port:
            yield Reference("scrapes", context.end(manifest, ("spec", field, index, "port")), _with_port(chosen, port))


@of(("networking.k8s.io", "NetworkPolicy"), ("policy", "PodDisruptionBudget"))
def policies(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the pods that a NetworkPolicy or a disruption budget is about."""
    network = manifest.kind == "NetworkPolicy"
    path: Path = ("spec", "podSelector" if network else "selector")
    selector = manifest.mapping(path)
    labels = set_by_manifests(mapping(selector, "matchLabels"))
    wanted = {**selector, "matchLabels": labels}
    chosen = Selection("Pod", (context.namespace(manifest),), wanted, written_labels(labels))
    # A policy often stands before the pods that it is for.
    relation = "applies to" if network else "protects"
    yield Reference(relation, context.end(manifest, path), chosen, optional=network)


@of(("networking.k8s.io", "Ingress"))
def ingresses(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the Services that an Ingress routes to, and its class."""
    name = text(manifest.mapping("spec"), "ingressClassName")
    if name:
        end = context.end(manifest, ("spec", "ingressClassName"))
        yield Reference(
            "is of", end, ObjectRef("IngressClass", name), elsewhere=context.elsewhere("") or "a controller"
        )
    backends: list[tuple[Path, dict[str, Any]]] = [
        (("spec", "defaultBackend"), manifest.mapping("spec.defaultBackend"))
    ]
    for number, rule in numbered(manifest.value, "spec", "rules"):
        for index, each in numbered(rule, "http", "paths"):
            backends.append((("spec", "rules", number, "http", "paths", index, "backend"), mapping(each, "backend")))
    for path, backend in backends:
        service = mapping(backend, "service")
        if text(service, "name"):
            port = text(mapping(service, "port"), "name") or text(mapping(service, "port"), "number")
            node = ObjectRef(
                "Service", text(service, "name"), context.namespace(manifest), f"port {port}" if port else ""
            )
            yield Reference("routes to", context.end(manifest, (*path, "service", "name")), node)


@of((GATEWAY, "HTTPRoute"), (GATEWAY, "GRPCRoute"), (GATEWAY, "TCPRoute"))
def routes(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the Gateways that a route attaches to, and what it routes to."""
    own = context.namespace(manifest)
    for index, parent in numbered(manifest.value, "spec", "parentRefs"):
        node = ObjectRef(text(parent, "kind") or "Gateway", text(parent, "name"), text(parent, "namespace") or own)
        if text(parent, "sectionName"):
            node = node._replace(part=f"listener {text(parent, 'sectionName')}")
        yield Reference("attaches to", context.end(manifest, ("spec", "parentRefs", index, "name")), node)
    for number, rule in numbered(manifest.value, "spec", "rules"):
        for index, backend in numbered(rule, "backendRefs"):
            kind, port = text(backend, "kind") or "Service", text(backend, "port")
            node = ObjectRef(kind, text(backend, "name"), text(backend, "namespace") or own)
            if port and kind == "Service":
                node = node._replace(part=f"port {port}")
            path: Path = ("spec", "rules", number, "backendRefs", index, "name")
            yield Reference("routes to", context.end(manifest, path), node)


@of((GATEWAY, "Gateway"))
def gateways(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield a Gateway's listeners, its class and its certificates."""
    name = text(manifest.mapping("spec"), "gatewayClassName")
    if name:
        end = context.end(manifest, ("spec", "gatewayClassName"))
        yield Reference("is of", end, ObjectRef("GatewayClass", name), elsewhere=context.elsewhere(""))
    for index, listener in numbered(manifest.value, "spec", "listeners"):
        path: Path = ("spec", "listeners", index)
        yield Definition(context.end(manifest, (*path, "name"), part=f"listener {text(listener, 'name')}"))
        for number, each in numbered(listener, "tls", "certificateRefs"):
            namespace = text(each, "namespace") or context.namespace(manifest)
            node = ObjectRef(text(each, "kind") or "Secret", text(each, "name"), namespace)
            yield Reference("presents", context.end(manifest, (*path, "tls", "certificateRefs", number, "name")), node)
