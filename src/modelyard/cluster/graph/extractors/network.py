"""Services, routes, policies, budgets and monitors: who sends to whom, and who watches whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.cluster.graph.edges import Choice, Definition, End, Node, Reference, Selection
from modelyard.cluster.graph.extractors.context import Context
from modelyard.cluster.graph.extractors.registry import of
from modelyard.cluster.graph.index import Index
from modelyard.cluster.labels import set_by_manifests, written_labels
from modelyard.cluster.shapes import listed, mapping, numbered, text
from modelyard.cluster.things import Thing
from modelyard.rendering import Path

GATEWAY, MONITORING = "gateway.networking.k8s.io", "monitoring.coreos.com"


@of(("", "Service"))
def services(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield a Service's ports, the pods that it selects, and their ports."""
    namespace = context.namespace(thing)
    yield Definition(context.end(thing, ("metadata", "labels")), thing.labels, selected_as="Service")
    selector = set_by_manifests(thing.mapping("spec.selector"))
    chosen = Selection("Pod", (namespace,), {"matchLabels": selector}, written_labels(selector))
    if selector:
        yield Reference("selects", context.end(thing, ("spec", "selector")), chosen)
    for index, port in numbered(thing.value, "spec", "ports"):
        path: Path = ("spec", "ports", index)
        for field in ("name", "port"):
            if text(port, field):
                yield Definition(context.end(thing, (*path, field), part=f"port {text(port, field)}"))
        target = text(port, "targetPort") or text(port, "port")
        field = "targetPort" if text(port, "targetPort") else "port"
        if selector and target:
            # A number may be listened on without being declared; a name must be.
            yield Reference(
                "sends to",
                context.end(thing, (*path, field)),
                _with_port(chosen, target),
                optional=target.isdigit(),
            )


def _with_port(selection: Selection, port: str) -> Choice:
    def choose(index: Index) -> Iterator[End]:
        for end in index.selected(selection):
            yield from index.named(end.node._replace(part=f"port {port}"))

    return Choice(selection.node._replace(part=f"port {port}"), choose)


@of(("monitoring.coreos.com", "ServiceMonitor"), ("monitoring.coreos.com", "PodMonitor"))
def monitors(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield what a monitor scrapes, and the ports that it names."""
    kind, field = ("Service", "endpoints") if thing.kind == "ServiceMonitor" else ("Pod", "podMetricsEndpoints")
    wanted = thing.mapping("spec.namespaceSelector")
    namespaces: tuple[str, ...] | None = tuple(str(each) for each in listed(wanted, "matchNames"))
    namespaces = None if wanted.get("any") else namespaces or (context.namespace(thing),)
    selector = dict(thing.mapping("spec.selector"))
    labels = set_by_manifests(mapping(selector, "matchLabels"))
    selector["matchLabels"] = labels
    chosen = Selection(kind, namespaces, selector, written_labels(labels))
    yield Reference("scrapes", context.end(thing, ("spec", "selector")), chosen)
    for index, endpoint in numbered(thing.value, "spec", field):
        port = text(endpoint, "port")
        if port:
            yield Reference("scrapes", context.end(thing, ("spec", field, index, "port")), _with_port(chosen, port))


@of(("networking.k8s.io", "NetworkPolicy"), ("policy", "PodDisruptionBudget"))
def policies(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the pods that a NetworkPolicy or a disruption budget is about."""
    network = thing.kind == "NetworkPolicy"
    path: Path = ("spec", "podSelector" if network else "selector")
    selector = thing.mapping(path)
    labels = set_by_manifests(mapping(selector, "matchLabels"))
    wanted = {**selector, "matchLabels": labels}
    chosen = Selection("Pod", (context.namespace(thing),), wanted, written_labels(labels))
    # A policy often stands before the pods that it is for.
    relation = "applies to" if network else "protects"
    yield Reference(relation, context.end(thing, path), chosen, optional=network)


@of(("networking.k8s.io", "Ingress"))
def ingresses(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the Services that an Ingress routes to, and its class."""
    name = text(thing.mapping("spec"), "ingressClassName")
    if name:
        end = context.end(thing, ("spec", "ingressClassName"))
        yield Reference("is of", end, Node("IngressClass", name), elsewhere=context.elsewhere("") or "a controller")
    backends: list[tuple[Path, dict[str, Any]]] = [(("spec", "defaultBackend"), thing.mapping("spec.defaultBackend"))]
    for number, rule in numbered(thing.value, "spec", "rules"):
        for index, each in numbered(rule, "http", "paths"):
            backends.append((("spec", "rules", number, "http", "paths", index, "backend"), mapping(each, "backend")))
    for path, backend in backends:
        service = mapping(backend, "service")
        if text(service, "name"):
            port = text(mapping(service, "port"), "name") or text(mapping(service, "port"), "number")
            node = Node("Service", text(service, "name"), context.namespace(thing), f"port {port}" if port else "")
            yield Reference("routes to", context.end(thing, (*path, "service", "name")), node)


@of((GATEWAY, "HTTPRoute"), (GATEWAY, "GRPCRoute"), (GATEWAY, "TCPRoute"))
def routes(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the Gateways that a route attaches to, and what it routes to."""
    own = context.namespace(thing)
    for index, parent in numbered(thing.value, "spec", "parentRefs"):
        node = Node(text(parent, "kind") or "Gateway", text(parent, "name"), text(parent, "namespace") or own)
        if text(parent, "sectionName"):
            node = node._replace(part=f"listener {text(parent, 'sectionName')}")
        yield Reference("attaches to", context.end(thing, ("spec", "parentRefs", index, "name")), node)
    for number, rule in numbered(thing.value, "spec", "rules"):
        for index, backend in numbered(rule, "backendRefs"):
            kind, port = text(backend, "kind") or "Service", text(backend, "port")
            node = Node(kind, text(backend, "name"), text(backend, "namespace") or own)
            if port and kind == "Service":
                node = node._replace(part=f"port {port}")
            path: Path = ("spec", "rules", number, "backendRefs", index, "name")
            yield Reference("routes to", context.end(thing, path), node)


@of((GATEWAY, "Gateway"))
def gateways(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield a Gateway's listeners, its class and its certificates."""
    name = text(thing.mapping("spec"), "gatewayClassName")
    if name:
        end = context.end(thing, ("spec", "gatewayClassName"))
        yield Reference("is of", end, Node("GatewayClass", name), elsewhere=context.elsewhere(""))
    for index, listener in numbered(thing.value, "spec", "listeners"):
        path: Path = ("spec", "listeners", index)
        yield Definition(context.end(thing, (*path, "name"), part=f"listener {text(listener, 'name')}"))
        for number, each in numbered(listener, "tls", "certificateRefs"):
            namespace = text(each, "namespace") or context.namespace(thing)
            node = Node(text(each, "kind") or "Secret", text(each, "name"), namespace)
            yield Reference("presents", context.end(thing, (*path, "tls", "certificateRefs", number, "name")), node)
