"""Pools that keep empty nodes."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment


@rule("scheduling/kept-empty-nodes", warning, since="0.1.0")
def kept_empty_nodes(environment: Environment) -> Iterator[Finding | NotChecked]:
    """With consolidateAfter: Never, empty nodes keep running and cost money."""
    for pool in environment.pools:
        after = pool.manifest.get("spec.disruption.consolidateAfter")
        if after == "Never" and environment.is_ours(pool.manifest) and pool.manifest.get("spec.replicas") is None:
            yield Finding(
                at=pool.manifest.at("spec.disruption.consolidateAfter"),
                message=f"{pool} keeps its nodes when they are empty",
                fix="set a time such as 10m; with consolidationPolicy WhenEmpty, busy nodes stay",
            )
