"""What each kind of object says of others: one small function a kind.

To add a kind, write a function in a module of this folder that takes a Manifest and the Context and yields Definitions
(what others may name) and References (whom it names), mark it with `@of((group, kind))`, and list it below.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from modelyard.graph.edges import Definition, Reference
from modelyard.graph.extractors import (
    access,
    argocd,
    buckets,
    metrics,
    network,
    nodes,
    pods,
    ray,
    scaling,
    secrets,
    storage,
)
from modelyard.graph.extractors.charts import charts
from modelyard.graph.extractors.context import Context
from modelyard.graph.extractors.facts import facts
from modelyard.graph.extractors.metrics import asked
from modelyard.graph.extractors.registry import Extraction, Extractor
from modelyard.graph.extractors.workflows import named
from modelyard.view.environment import Environment
from modelyard.view.manifests import Manifest

EXTRACTORS: tuple[Extractor, ...] = (
    access.bindings,
    argocd.applications,
    buckets.settings,
    buckets.volumes,
    buckets.arguments,
    metrics.recorded,
    metrics.collected,
    network.services,
    network.monitors,
    network.policies,
    network.ingresses,
    network.routes,
    network.gateways,
    nodes.node_pools,
    nodes.node_classes,
    pods.pods,
    ray.ray_clusters,
    scaling.autoscalers,
    scaling.interceptor_routes,
    scaling.made_services,
    secrets.config_maps,
    secrets.secrets,
    secrets.external_secrets,
    secrets.stores,
    storage.claims,
    storage.volumes,
    storage.stateful_sets,
)
"""What reads rendered resources; of several for one kind, each is asked, in this order."""

OUTSIDE = (facts, charts, asked, named)
"""What reads what is said outside of rendered resources: facts, charts' values, Terraform, expressions, workflows."""


def extracting(manifest: Manifest) -> tuple[Extraction, ...]:
    """Return the extractors of a resource's kind."""
    return _extracting(manifest.group, manifest.kind)


@cache
def _extracting(group: str, kind: str) -> tuple[Extraction, ...]:
    return tuple(each.extract for each in EXTRACTORS if (group, kind) in each.kinds)


def outside(environment: Environment, context: Context) -> Iterator[Definition | Reference]:
    """Yield what is said outside of rendered resources."""
    for extract in OUTSIDE:
        yield from extract(environment, context)


__all__ = ["Context", "Extraction", "Extractor", "extracting", "outside"]
