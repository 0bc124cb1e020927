"""Autoscalers: what they scale, whom they ask."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.cluster.graph.edges import Definition, Node, Reference
from modelyard.cluster.graph.extractors.context import Context
from modelyard.cluster.graph.extractors.registry import of
from modelyard.cluster.shapes import mapping, numbered, text
from modelyard.cluster.things import Thing
from modelyard.rendering import Path

_IN_CLUSTER = re.compile(r"^\w+://([a-z0-9-]+)\.([a-z0-9-]+)(?:\.svc(?:\.cluster\.local)?)?(?::(\d+))?(?:/|$)")


@of(("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject"), ("autoscaling.aibrix.ai", "PodAutoscaler"))
def autoscalers(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the workload that an autoscaler scales, and the server that its triggers ask."""
    namespace = context.namespace(thing)
    target = thing.mapping("spec.scaleTargetRef")
    if text(target, "name"):
        kind = text(target, "kind") or ("Deployment" if thing.kind == "ScaledObject" else "")
        end = context.end(thing, ("spec", "scaleTargetRef", "name"))
        yield Reference("scales", end, Node(kind, text(target, "name"), namespace))
    for index, trigger in numbered(thing.value, "spec", "triggers"):
        path: Path = ("spec", "triggers", index)
        address = _IN_CLUSTER.match(text(mapping(trigger, "metadata"), "serverAddress"))
        if address:
            name, space, port = address.groups()
            node = Node("Service", name, space, f"port {port}" if port else "")
            end = context.end(thing, (*path, "metadata", "serverAddress"))
            yield Reference("asks", end, node, elsewhere=_made_by_operator(context, name, space))
        authentication = mapping(trigger, "authenticationRef")
        if text(authentication, "name"):
            kind = text(authentication, "kind") or "TriggerAuthentication"
            node = Node(kind, text(authentication, "name"), "" if kind.startswith("Cluster") else namespace)
            yield Reference("authenticates by", context.end(thing, (*path, "authenticationRef", "name")), node)


def _made_by_operator(context: Context, name: str, namespace: str) -> str:
    """Return that the Prometheus operator makes a Service where it runs; empty for others."""
    if not name.endswith("-operated"):
        return ""
    there = any(each.namespace == namespace for each in context.environment.applications)
    return "the Prometheus operator" if there else ""
