"""What each kind of object says of others: one small function a kind, found by its decorator.

To add a kind, write a function in a module of this folder that takes a Thing and the Context and yields Definitions
(what others may name) and References (whom it names), mark it with `@of(group, kind)`, and list the module below.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.cluster.environment import Environment
from modelyard.cluster.graph.edges import Definition, Reference
from modelyard.cluster.graph.extractors.context import Context
from modelyard.cluster.graph.extractors.registry import Extractor, registered
from modelyard.cluster.things import Thing


def _load() -> None:
    from modelyard.cluster.graph.extractors import (  # noqa: F401 - they register themselves
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


def extracting(thing: Thing) -> list[Extractor]:
    """Return the extractors of a resource's kind."""
    if not registered:
        _load()
    return registered.get((thing.group, thing.kind), [])


def outside(environment: Environment, context: Context) -> Iterator[Definition | Reference]:
    """Yield what is said outside of rendered resources: in charts' values, facts, Terraform, expressions, workflows."""
    from modelyard.cluster.graph.extractors.charts import charts
    from modelyard.cluster.graph.extractors.facts import facts
    from modelyard.cluster.graph.extractors.metrics import asked
    from modelyard.cluster.graph.extractors.workflows import named

    for function in (facts, charts, asked, named):
        yield from function(environment, context)


__all__ = ["Context", "Extractor", "extracting", "outside"]
