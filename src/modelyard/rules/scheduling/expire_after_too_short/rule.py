"""Nodes that expire within the day."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, to_set, warning
from modelyard.rules import rule
from modelyard.view import Environment, seconds

LEAST_SECONDS = 24 * 3600


@rule("scheduling/expire-after-too-short", warning, since="0.1.0")
def expire_after_too_short(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Node expiry ignores disruption budgets, so it stops all models on a node at once."""
    for pool in environment.pools:
        after = seconds(pool.manifest.get("spec.template.spec.expireAfter"))
        if after is None or after >= LEAST_SECONDS or not pool.has_devices:
            continue
        at = pool.manifest.at("spec.template.spec.expireAfter")
        yield Finding(
            at=at,
            message=f"{pool} has accelerators, but its nodes expire after {after / 3600:g} h, whatever runs on them",
            fix="set expireAfter: Never; new AMIs replace nodes through drift, within the budgets",
            edits=(to_set(at, "Never"),),
        )
