"""Pools that move busy models to save money."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.placement import placements
from modelyard.rules import rule
from modelyard.view import Environment, Pool, mapping, seconds

_KEPT = "karpenter.sh/do-not-disrupt"
LEAST_SECONDS = 300
"""A model takes minutes to load; moving it sooner than that after the last change means that it hardly serves."""


@rule("scheduling/hasty-consolidation", warning, since="0.1.0")
def hasty_consolidation(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Fast consolidation of busy accelerator nodes evicts models that take minutes to load again."""
    for pool in environment.pools:
        disruption = pool.manifest.mapping("spec.disruption")
        if not pool.has_devices or disruption.get("consolidationPolicy", "WhenEmptyOrUnderutilized") == "WhenEmpty":
            continue
        if _all_kept(environment, pool):
            continue
        after = seconds(disruption.get("consolidateAfter", "0s"))
        if after is None or after >= LEAST_SECONDS:
            continue
        yield Finding(
            at=pool.manifest.at("spec.disruption.consolidationPolicy"),
            message=f"{pool} has accelerators, but Karpenter may consolidate its busy nodes {after:g} s after "
            "the last change",
            fix="set consolidationPolicy: WhenEmpty or a consolidateAfter of several minutes, or give every pod with "
            f'devices the annotation {_KEPT}: "true"',
        )


def _all_kept(environment: Environment, pool: Pool) -> bool:
    """Return whether Karpenter moves none of the pods that may land on a pool: each says that it must not."""
    landing = [
        found
        for found in placements(environment)
        if not found.daemon and any(verdict.pool == pool.name for verdict in found.accepting)
    ]
    return bool(landing) and all(
        mapping(found.template.value, "metadata", "annotations").get(_KEPT) == "true" for found in landing
    )
