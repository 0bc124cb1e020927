"""Pools that move busy models to save money."""

from collections.abc import Iterator

from modelyard.cluster import Environment, seconds
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule

LEAST_SECONDS = 300
"""A model takes minutes to load; moving it sooner than that after the last change means that it hardly serves."""


@rule("scheduling/hasty-consolidation", warning, since="0.1.0")
def hasty_consolidation(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Karpenter that consolidates busy nodes of accelerators at once ends models that take minutes to come back."""
    for pool in environment.pools:
        disruption = pool.thing.mapping("spec.disruption")
        if not pool.has_devices or disruption.get("consolidationPolicy", "WhenEmptyOrUnderutilized") == "WhenEmpty":
            continue
        after = seconds(disruption.get("consolidateAfter", "0s"))
        if after is None or after >= LEAST_SECONDS:
            continue
        yield Finding(
            at=pool.thing.at("spec.disruption.consolidationPolicy"),
            message=f"{pool} has accelerators, and Karpenter empties its busy nodes {after:g} s after the last change",
            fix="set consolidationPolicy: WhenEmpty, or a consolidateAfter of several minutes",
        )
