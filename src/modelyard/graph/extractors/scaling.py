"""Autoscalers: what they scale, whom they ask."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.graph.edges import Definition, End, ObjectRef, Reference
from modelyard.graph.extractors.context import Context
from modelyard.graph.extractors.registry import of
from modelyard.rendering import Path
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import mapping, numbered, text

_IN_CLUSTER = re.compile(r"^(?:\w+://)?([a-z0-9-]+)\.([a-z0-9-]+)(?:\.svc(?:\.cluster\.local)?)?(?::(\d+))?(?:/|$)")
_SERVERS = ("serverAddress", "scalerAddress")
"""What a trigger may call the server that it asks: with a scheme for Prometheus, without one for gRPC."""

_OPERATED = {
    "Prometheus": ("prometheus-operated", "9090"),
    "Alertmanager": ("alertmanager-operated", "9093"),
}
"""The Service that the operator makes for a custom resource, with the number of its port."""


@of(("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject"), ("autoscaling.aibrix.ai", "PodAutoscaler"))
def autoscalers(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the workload that an autoscaler scales, and the server that its triggers ask."""
    namespace = context.namespace(manifest)
    target = manifest.mapping("spec.scaleTargetRef")
    if text(target, "name"):
        kind = text(target, "kind") or ("Deployment" if manifest.kind == "ScaledObject" else "")
        end = context.end(manifest, ("spec", "scaleTargetRef", "name"))
        yield Reference("scales", end, ObjectRef(kind, text(target, "name"), namespace))
    for index, trigger in numbered(manifest.value, "spec", "triggers"):
        path: Path = ("spec", "triggers", index)
        told = mapping(trigger, "metadata")
        for field in _SERVERS:
            address = _IN_CLUSTER.match(text(told, field))
            if address:
                name, space, port = address.groups()
                node = ObjectRef("Service", name, space, f"port {port}" if port else "")
                end = context.end(manifest, (*path, "metadata", field))
                yield Reference("asks", end, node)
        if text(told, "interceptorRoute"):
            end = context.end(manifest, (*path, "metadata", "interceptorRoute"))
            yield Reference("asks", end, ObjectRef("InterceptorRoute", text(told, "interceptorRoute"), namespace))
        authentication = mapping(trigger, "authenticationRef")
        if text(authentication, "name"):
            kind = text(authentication, "kind") or "TriggerAuthentication"
            node = ObjectRef(kind, text(authentication, "name"), "" if kind.startswith("Cluster") else namespace)
            yield Reference("authenticates by", context.end(manifest, (*path, "authenticationRef", "name")), node)


@of(("http.keda.sh", "InterceptorRoute"))
def interceptor_routes(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the Services that an interceptor sends requests to."""
    places: tuple[tuple[Path, str], ...] = (
        (("spec", "target"), "service"),
        (("spec", "coldStart", "fallback", "service"), "name"),
    )
    for where, field in places:
        target = manifest.mapping(where)
        if text(target, field):
            port = text(target, "portName") or text(target, "port")
            node = ObjectRef(
                "Service", text(target, field), context.namespace(manifest), f"port {port}" if port else ""
            )
            yield Reference("routes to", context.end(manifest, (*where, field)), node)


@of(("monitoring.coreos.com", "Prometheus"), ("monitoring.coreos.com", "Alertmanager"))
def made_services(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the Service that the Prometheus operator makes for each server (governing Services, operator v0.93)."""
    name, number = _OPERATED[manifest.kind]
    node = ObjectRef("Service", name, context.namespace(manifest))
    yield Definition(End(node, manifest, ("spec",)))
    for port in (number, str(manifest.get("spec.portName", "web"))):
        yield Definition(End(node._replace(part=f"port {port}"), manifest, ("spec",)))
