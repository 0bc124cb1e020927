"""Ray clusters: where the head keeps its state."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.cluster.graph.edges import Definition, Node, Reference
from modelyard.cluster.graph.extractors.context import Context
from modelyard.cluster.graph.extractors.registry import of
from modelyard.cluster.shapes import text
from modelyard.cluster.things import Thing
from modelyard.rendering import Path

_ADDRESS = re.compile(r"^(?:rediss?://)?([a-z0-9-]+)(?:\.([a-z0-9-]+)(?:\.svc(?:\.cluster\.local)?))?(?::(\d+))?$")


@of(("ray.io", "RayService"), ("ray.io", "RayCluster"))
def ray_clusters(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the Service of Redis that a head keeps its state in; one outside of the cluster is no reference."""
    spec: Path = ("spec", "rayClusterConfig") if thing.kind == "RayService" else ("spec",)
    path = (*spec, "gcsFaultToleranceOptions")
    found = _ADDRESS.match(text(thing.mapping(path), "redisAddress"))
    if found:
        name, namespace, port = found.groups()
        node = Node("Service", name, namespace or context.namespace(thing), f"port {port}" if port else "")
        yield Reference("keeps state in", context.end(thing, (*path, "redisAddress")), node)
