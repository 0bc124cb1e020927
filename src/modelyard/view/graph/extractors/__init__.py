"""What each kind of object says of others: one small function a kind, found by its decorator.

To add a kind, write a function in a module of this folder that takes a Manifest and the Context and yields Definitions
(what others may name) and References (whom it names), mark it with `@of(group, kind)`, and list the module below.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.view.environment import Environment
from modelyard.view.graph.edges import Definition, Reference
from modelyard.view.graph.extractors.context import Context
from modelyard.view.graph.extractors.registry import Extractor, registered
from modelyard.view.manifests import Manifest


def _load() -> None:
    from modelyard.view.graph.extractors import (  # noqa: F401 - they register themselves
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


def extracting(manifest: Manifest) -> list[Extractor]:
    """Return the extractors of a resource's kind."""
    if not registered:
        _load()
    return registered.get((manifest.group, manifest.kind), [])


def outside(environment: Environment, context: Context) -> Iterator[Definition | Reference]:
    """Yield what is said outside of rendered resources: in charts' values, facts, Terraform, expressions, workflows."""
    from modelyard.view.graph.extractors.charts import charts
    from modelyard.view.graph.extractors.facts import facts
    from modelyard.view.graph.extractors.metrics import asked
    from modelyard.view.graph.extractors.workflows import named

    for function in (facts, charts, asked, named):
        yield from function(environment, context)


__all__ = ["Context", "Extractor", "extracting", "outside"]
