"""Ray clusters: where the head keeps its state."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.graph.edges import Definition, ObjectRef, Reference
from modelyard.graph.extractors.context import Context
from modelyard.graph.extractors.registry import of
from modelyard.rendering import Path
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import text

_ADDRESS = re.compile(r"^(?:rediss?://)?([a-z0-9-]+)(?:\.([a-z0-9-]+)(?:\.svc(?:\.cluster\.local)?))?(?::(\d+))?$")


@of(("ray.io", "RayService"), ("ray.io", "RayCluster"))
def ray_clusters(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the Service of Redis that a head keeps its state in; one outside of the cluster is no reference."""
    spec: Path = ("spec", "rayClusterConfig") if manifest.kind == "RayService" else ("spec",)
    path = (*spec, "gcsFaultToleranceOptions")
    found = _ADDRESS.match(text(manifest.mapping(path), "redisAddress"))
    if found:
        name, namespace, port = found.groups()
        node = ObjectRef("Service", name, namespace or context.namespace(manifest), f"port {port}" if port else "")
        yield Reference("keeps state in", context.end(manifest, (*path, "redisAddress")), node)
