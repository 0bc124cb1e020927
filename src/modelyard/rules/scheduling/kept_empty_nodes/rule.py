"""Pools that keep empty nodes."""

from collections.abc import Iterator

from modelyard.cluster import Environment
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule


@rule("scheduling/kept-empty-nodes", warning, since="0.1.0")
def kept_empty_nodes(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Nodes that are never consolidated stay, and are paid for, when their last pod is gone."""
    for pool in environment.pools:
        after = pool.thing.get("spec.disruption.consolidateAfter")
        if after == "Never" and environment.is_ours(pool.thing) and pool.thing.get("spec.replicas") is None:
            yield Finding(
                at=pool.thing.at("spec.disruption.consolidateAfter"),
                message=f"{pool} keeps its nodes when they are empty",
                fix="write a time such as 10m; with consolidationPolicy WhenEmpty busy nodes stay",
            )
